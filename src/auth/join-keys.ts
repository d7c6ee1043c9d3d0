/** Joins the keys of the file with those of the database. */
import { type KeyConfig, parseKeySettings, type TeamConfig } from "../config/client-keys.ts";
import { shellWord } from "../core/shell-word.ts";
import type { StoredKey } from "../store/client-keys.ts";

/** Why a stored key is not accepted, although it is not revoked. */
export interface KeyFault {
  readonly name: string;
  readonly message: string;
  readonly repair: string;
}

export interface JoinedKeys {
  /** A key that was rotated a short time ago is there twice: the old key ends sooner. */
  readonly keys: readonly KeyConfig[];
  readonly faults: readonly KeyFault[];
}

/** `teams`: null where the file was not read. */
export interface KeysOfFile {
  readonly keys: readonly KeyConfig[];
  readonly teams: readonly Pick<TeamConfig, "name">[] | null;
}

/** Reads the settings of a stored key from their JSON. */
export type ParseSettings = typeof parseKeySettings;

/** The file wins: a stored key with the name of a key in the file, or that is the same key, does not count. */
export function joinKeys(
  file: KeysOfFile,
  stored: readonly StoredKey[],
  parse: ParseSettings = parseKeySettings,
): JoinedKeys {
  const keys = [...file.keys];
  const faults: KeyFault[] = [];
  for (const key of stored) {
    if (key.revokedMs !== null || key.pausedMs !== null) continue;
    const found = configOf(file, key, parse);
    if ("message" in found) faults.push(found);
    else keys.push(...withOldKey(found, key));
  }
  return { keys, faults };
}

/** The settings of a stored key, or why it does not count. */
export function configOf(
  file: KeysOfFile,
  key: StoredKey,
  parse: ParseSettings = parseKeySettings,
): KeyConfig | KeyFault {
  const { name, keySha256 } = key;
  if (file.keys.some((other) => other.name === name)) {
    return {
      name,
      message: "is also the name of a key in the file, which counts alone",
      repair: `rename or remove one of them: clewline keys revoke ${shellWord(name)} ends the one in the database`,
    };
  }
  const same = file.keys.find((other) => other.keySha256 === keySha256);
  if (same !== undefined) {
    return {
      name,
      message: `is the same key as "${same.name}" in the file, which counts alone`,
      repair: "revoke it",
    };
  }
  const result = parse(key.settings);
  if (!result.ok) {
    const [{ setting, message, repair }] = result.faults;
    const what = setting === "" ? message : `the setting ${setting} ${message}`;
    return {
      name,
      message: `is refused: ${what}`,
      repair: repair === "" ? "set it anew with clewline keys limit" : repair,
    };
  }
  const { team } = result.settings;
  if (team !== null && file.teams?.some((known) => known.name === team) === false) {
    return {
      name,
      message: `is refused: its team "${team}" is not in the file`,
      repair: `add [[teams]] with this name, or give the key another one: clewline keys limit ${shellWord(name)} --team TEAM`,
    };
  }
  return { name, keySha256, ...result.settings };
}

function withOldKey(config: KeyConfig, { old }: StoredKey): readonly KeyConfig[] {
  if (old === null) return [config];
  const expiresAtMs = Math.min(config.expiresAtMs ?? old.untilMs, old.untilMs);
  return [config, { ...config, keySha256: old.sha256, expiresAtMs }];
}
