/** Changes of the client keys in the database, for the command line and for the admin. Each is one step of a transaction. */
import type { KeyTable, StoredKey } from "../store/client-keys.ts";
import { digestOf } from "./keys.ts";

/** Of a key of 53 characters. The rest cannot be guessed. */
const PREFIX_CHARS = 9;
const LAST_CHARS = 4;

/**
 * Why nothing was changed. `taken`: a key has the name. `spent`: a revoked key had it, whose usage must stay apart.
 * `unknown`: no key has it. `revoked`: the key has ended for ever.
 */
export type KeyRefusal = "taken" | "spent" | "unknown" | "revoked";

/** `settings`: JSON in the shape of `[[keys]]`. */
export function addKey(
  table: KeyTable,
  {
    name,
    key,
    settings,
    createdMs,
  }: Pick<StoredKey, "name" | "settings" | "createdMs"> & { readonly key: string },
): KeyRefusal | null {
  const taken = table.find(name);
  if (taken !== null) return taken.revokedMs === null ? "taken" : "spent";
  const traits = traitsOf(key);
  table.save({ name, ...traits, settings, createdMs, revokedMs: null, pausedMs: null, old: null });
  return null;
}

/** `changed` may return why the key stays as it is, in words of the caller. */
export function changeKey<Words = never>(
  table: KeyTable,
  name: string,
  changed: (before: StoredKey) => StoredKey | { readonly refused: Words },
): KeyRefusal | { readonly refused: Words } | null {
  const before = table.find(name);
  if (before === null) return "unknown";
  if (before.revokedMs !== null) return "revoked";
  const after = changed(before);
  if ("refused" in after) return after;
  table.save(after);
  return null;
}

/** The key under its name with another secret; the one before may be used until a time. */
export function rotated(before: StoredKey, key: string, keptMs: number, nowMs: number): StoredKey {
  const old = keptMs === 0 ? null : { sha256: before.keySha256, untilMs: nowMs + keptMs };
  return { ...before, ...traitsOf(key), old };
}

/** All of them, or none: then the first name that no key has. */
export function changeKeys(
  table: KeyTable,
  names: readonly string[],
  changed: (before: StoredKey) => StoredKey,
): { readonly unknown: string } | null {
  const found = names.map((name) => table.find(name) ?? name);
  const unknown = found.find((key) => typeof key === "string");
  if (unknown !== undefined) return { unknown };
  for (const key of found as readonly StoredKey[]) if (key.revokedMs === null) table.save(changed(key));
  return null;
}

/** A revoked key does not come back. */
export function revoked(before: StoredKey, nowMs: number): StoredKey {
  return { ...before, revokedMs: nowMs, old: null };
}

function traitsOf(key: string): Pick<StoredKey, "keySha256" | "prefix" | "lastFour"> {
  return { keySha256: digestOf(key), prefix: key.slice(0, PREFIX_CHARS), lastFour: key.slice(-LAST_CHARS) };
}
