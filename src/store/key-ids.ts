/**
 * Numbers of client keys. What a key has made at a provider belongs to its number: a rotated key keeps its number, a key that
 * gets another name does too, and a new key never gets the number of one that is gone.
 */
import { sha256Hex } from "../core/hash.ts";
import type { Migration } from "./migrations.ts";
import type { Sql, SqlRow } from "./sql.ts";

export const KEY_IDS: Migration = {
  name: "numbers of client keys",
  sql: `CREATE TABLE key_ids (
  fingerprint TEXT PRIMARY KEY, -- of the key's hash, which must not be read from here
  id INTEGER NOT NULL,
  name TEXT NOT NULL,
  is_current INTEGER NOT NULL -- the key is in the configuration or the database, as far as it was read last
) WITHOUT ROWID;
ALTER TABLE state_ids ADD COLUMN owner INTEGER; -- number of the key that made the object; null: all keys
CREATE INDEX state_ids_owner ON state_ids (owner, seq)`,
};

interface NamedKey {
  readonly name: string;
  readonly keySha256: string;
}

interface PrintedKey extends NamedKey {
  readonly print: string;
}

/** Tells keys apart, and lets nobody try guesses at a key of the configuration: the database holds none of their hashes. */
function fingerprintOf(keySha256: string): string {
  return sha256Hex(`number of ${keySha256}`).slice(0, 16);
}

/**
 * The number of each key, by its hash. A key with a known hash is the key of that number, whatever its name; one with a new
 * hash and the name of a key that was there until now is that key, rotated. Throws `StoreError`.
 */
export function assignKeyIds(sql: Sql, named: readonly NamedKey[]): ReadonlyMap<string, number> {
  const keys = named.map((key) => ({ ...key, print: fingerprintOf(key.keySha256) }));
  const known = sql.prepare("SELECT fingerprint, id, name, is_current FROM key_ids").all().map(toKnown);
  const byPrint = new Map(known.map(({ print, id }) => [print, id]));
  const newNames = new Map(keys.map(({ name, print }) => [print, name]));
  // A key that has another name now has left its old one to others.
  const stays = ({ print, name }: Known): boolean => (newNames.get(print) ?? name) === name;
  const byName = new Map(
    known.filter((one) => one.isCurrent && stays(one)).map(({ name, id }) => [name, id]),
  );
  for (const { name, print } of keys) {
    const id = byPrint.get(print);
    if (id !== undefined) byName.set(name, id);
  }
  let last = Math.max(0, ...byPrint.values());
  const ids = new Map<string, number>();
  for (const { name, print, keySha256 } of keys) {
    const id = byPrint.get(print) ?? byName.get(name) ?? ++last;
    byName.set(name, id);
    ids.set(keySha256, id);
  }
  if (hasChanged(known, keys)) save(sql, keys, ids);
  return ids;
}

interface Known {
  readonly print: string;
  readonly id: number;
  readonly name: string;
  readonly isCurrent: boolean;
}

function toKnown(row: SqlRow): Known {
  return {
    print: String(row.fingerprint),
    id: Number(row.id),
    name: String(row.name),
    isCurrent: Number(row.is_current) === 1,
  };
}

function hasChanged(known: readonly Known[], keys: readonly PrintedKey[]): boolean {
  const current = new Map(known.filter(({ isCurrent }) => isCurrent).map(({ print, name }) => [print, name]));
  return current.size !== keys.length || keys.some(({ print, name }) => current.get(print) !== name);
}

function save(sql: Sql, keys: readonly PrintedKey[], ids: ReadonlyMap<string, number>): void {
  const insert = sql.prepare("INSERT OR REPLACE INTO key_ids VALUES (?, ?, ?, 1)");
  sql.transaction(() => {
    sql.exec("UPDATE key_ids SET is_current = 0 WHERE is_current = 1");
    for (const { name, print, keySha256 } of keys) insert.run(print, ids.get(keySha256) as number, name);
  });
}
