/** The way back of a change of stored client keys: what it changed, and whether that still stands. Pure. */
import { revoked } from "../../auth/key-changes.ts";
import type { StoredKey } from "../../store/client-keys.ts";

/** A field of a stored key, or one of its settings: `settings.concurrency`. undefined: it was not there. */
interface FieldChange {
  readonly field: string;
  readonly before?: unknown;
  readonly after?: unknown;
}

/** What one act has changed of one key. May hold hashes of keys. */
export interface KeyChange {
  readonly name: string;
  /** The act has made the key. */
  readonly isNew: boolean;
  readonly fields: readonly FieldChange[];
}

/** A field that is not as the act has left it. */
export interface KeyClash {
  readonly path: string;
  readonly base: string | null;
  readonly theirs: string | null;
  readonly mine: string | null;
}

const PLAIN = ["pausedMs", "revokedMs", "keySha256", "prefix", "lastFour", "old"] as const;
/** Can be undone as long as it is on record; all other fields for ten minutes, from memory. */
const LASTING = /^(?:settings\.|pausedMs$)/;
/** Shown with its value; of the others only that they differ. */
const SHOWN = /^settings\./;
const STATES: Readonly<Record<string, readonly [no: string, yes: string]>> = {
  pausedMs: ["active", "paused"],
  revokedMs: ["active", "revoked"],
};

/** null: nothing has changed. */
export function keyChangeOf(before: StoredKey | null, after: StoredKey): KeyChange | null {
  if (before === null) return { name: after.name, isNew: true, fields: [] };
  const fields = [
    ...PLAIN.map((field) => ({ field, before: before[field], after: after[field] })),
    ...settingChanges(before, after),
  ].filter((one) => !isSame(one.before, one.after));
  return fields.length === 0 ? null : { name: after.name, isNew: false, fields };
}

/** Whether the record may keep the way back, which has no hash of a key then. */
export function isLasting(changes: readonly KeyChange[]): boolean {
  return changes.every(({ fields }) => fields.every(({ field }) => LASTING.test(field)));
}

export type KeyUndo =
  | { readonly ok: true; readonly keys: readonly StoredKey[] }
  | { readonly ok: false; readonly clashes: readonly KeyClash[] };

/** The keys as they were. A key that was made is revoked, because its usage must stay apart from that of another one. */
export function undoKeyChanges(
  changes: readonly KeyChange[],
  find: (name: string) => StoredKey | null,
  nowMs: number,
): KeyUndo {
  const clashes: KeyClash[] = [];
  const keys = changes.flatMap(({ name, isNew, fields }) => {
    const now = find(name);
    if (now === null) {
      clashes.push({ path: `keys[${name}]`, base: "there", theirs: null, mine: null });
      return [];
    }
    const isRevoked = now.revokedMs !== null && !fields.some(({ field }) => field === "revokedMs");
    if (isRevoked) clashes.push(clashOf(name, { field: "revokedMs", before: null, after: null }, now));
    for (const change of fields)
      if (!isSame(fieldOf(now, change.field), change.after)) clashes.push(clashOf(name, change, now));
    return [isNew ? revoked(now, nowMs) : fields.reduce(withField, now)];
  });
  return clashes.length === 0 ? { ok: true, keys } : { ok: false, clashes };
}

function settingChanges(before: StoredKey, after: StoredKey): FieldChange[] {
  const [old, now] = [settingsOf(before), settingsOf(after)];
  return [...new Set([...Object.keys(old), ...Object.keys(now)])].map((name) => ({
    field: `settings.${name}`,
    before: old[name],
    after: now[name],
  }));
}

function settingsOf({ settings }: StoredKey): Readonly<Record<string, unknown>> {
  return JSON.parse(settings) as Readonly<Record<string, unknown>>;
}

function fieldOf(key: StoredKey, field: string): unknown {
  return field.startsWith("settings.")
    ? settingsOf(key)[field.slice("settings.".length)]
    : key[field as (typeof PLAIN)[number]];
}

function withField(key: StoredKey, { field, before }: FieldChange): StoredKey {
  if (!field.startsWith("settings.")) return { ...key, [field]: before };
  const { [field.slice("settings.".length)]: _now, ...others } = settingsOf(key);
  const settings = before === undefined ? others : { ...others, [field.slice("settings.".length)]: before };
  return { ...key, settings: JSON.stringify(settings) };
}

function clashOf(name: string, { field, before, after }: FieldChange, now: StoredKey): KeyClash {
  const shown = (value: unknown): string | null => shownField(field, value);
  return {
    path: `keys[${name}].${field.replace("settings.", "")}`,
    base: shown(after),
    theirs: shown(fieldOf(now, field)),
    mine: shown(before),
  };
}

function shownField(field: string, value: unknown): string | null {
  const states = STATES[field];
  if (states !== undefined) return states[value === null ? 0 : 1];
  if (!SHOWN.test(field)) return "(hidden)";
  return value === undefined ? null : JSON.stringify(value);
}

/** What a change of settings was from and to, for people. */
export function shownSettings({ name, fields }: KeyChange) {
  return fields
    .filter(({ field }) => SHOWN.test(field))
    .map(({ field, before, after }) => ({
      path: `keys[${name}].${field.slice("settings.".length)}`,
      before: shownField(field, before),
      after: shownField(field, after),
    }));
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
