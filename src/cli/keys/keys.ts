/** `clewline keys`: makes, lists, changes and ends the client keys in the data folder. */
import { resolve } from "node:path";
import type { KeysOfFile } from "../../auth/join-keys.ts";
import { addKey, changeKey, changeKeys, type KeyRefusal, revoked, rotated } from "../../auth/key-changes.ts";
import { findConfigFile } from "../../config/file.ts";
import { makeClientKey } from "../../config/first-run/first-run.ts";
import { loadConfig } from "../../config/load.ts";
import { isKeyName } from "../../config/schema-keys.ts";
import { suggest } from "../../core/nearest.ts";
import { shellWord } from "../../core/shell-word.ts";
import { changeStoredKeys, type KeyTable, type StoredKey } from "../../store/client-keys.ts";
import { type CliIo, EXIT } from "../cli.ts";
import { makeCommand, UsageError } from "../command.ts";
import { type FolderFlags, READER_FLAGS, reportDataFailure, UNITS_MS } from "../ledger-reader.ts";
import { toJsonLine } from "../table.ts";
import { writeStore } from "../write-store.ts";
import { correct } from "./correct.ts";
import {
  type ChangedSettings,
  SETTING_FLAGS,
  type SettingTexts,
  type WrittenSettings,
  withFlags,
} from "./flags.ts";
import { listKeys } from "./list.ts";
import { storedKeysIn } from "./stored-keys.ts";

/** Without a configuration its teams and upstreams are not known. */
interface Place extends KeysOfFile {
  readonly file: string | null;
  readonly dataDir: string;
  readonly upstreams: readonly { readonly name: string }[] | null;
}

interface Call {
  readonly names: readonly string[];
  readonly flags: SettingTexts & {
    readonly model: string | undefined;
    readonly "keep-old": string | undefined;
    readonly json: boolean;
  };
  readonly place: Place;
  readonly io: CliIo;
}

/** Says why nothing was changed. */
class Refused extends Error {}

export const keys = makeCommand(
  {
    name: "keys",
    usage: [
      "[list] [--json]",
      "create NAME [SETTINGS] [--json]",
      "limit NAME [--model PATTERN] SETTINGS",
      "rotate NAME [--keep-old 1h] [--json]",
      "revoke NAME...",
      "correct ID... [--json]",
    ],
    about: `Lists the keys of the configuration file and of the data folder, and makes, changes and ends those of the data folder,
whether the gateway runs or not. A running gateway takes a change over within a second.

create and rotate print a key once, alone on standard output; only its hash is kept. limit sets what its flags name and
leaves the rest; the value none takes a setting away. With --model its limits hold for the models of that pattern,
beside those of the key. rotate replaces a key; --keep-old leaves the one before in force for a while. A name that the
file has too is the file's.

correct takes back what a crash booked as spent: the ids are those of rows with the endpoint lost.`,
    positionals: {},
    flags: {
      ...SETTING_FLAGS,
      model: { value: "PATTERN", help: "limit: the models for which the limits are, such as claude-opus-*" },
      "keep-old": {
        value: "TIME",
        help: "rotate: how long the key before stays in force, such as 30m, 1h or 7d",
      },
      json: READER_FLAGS.json,
      config: { value: "FILE", help: "the configuration, with keys, teams and upstreams" },
      "data-dir": { value: "DIR", help: "the data folder itself; no configuration is read then" },
    },
  },
  async ({ flags, positionals }, io) => {
    const [verb = "list", ...names] = positionals;
    if (verb === "correct") {
      checkFlags(verb, flags);
      return await correct(names, flags, io);
    }
    const found = VERBS[verb];
    if (found === undefined) {
      const verbs = [...Object.keys(VERBS), "correct"];
      throw new UsageError(`unknown argument ${verb}; ${suggest(verb, verbs, `use ${verbs.join(", ")}`)}`);
    }
    const [isCountGood, countText] = COUNTS[found.names];
    if (!isCountGood(names.length)) throw new UsageError(`${verb} ${countText}`);
    checkFlags(verb, flags);
    try {
      return await found.run({ names, flags, place: await findPlace(flags, io), io });
    } catch (error) {
      if (!(error instanceof Refused)) return reportDataFailure("keys", error, io);
      io.err(`clewline keys: ${error.message}\n`);
      return EXIT.failed;
    }
  },
);

const COUNTS = {
  none: [(count: number) => count === 0, "takes no name"],
  one: [(count: number) => count === 1, "needs the name of one key"],
  some: [(count: number) => count > 0, "needs the name of a key, or of several"],
} as const;

interface Verb {
  readonly names: keyof typeof COUNTS;
  readonly run: (call: Call) => number | Promise<number>;
}

const VERBS: Readonly<Record<string, Verb>> = {
  list: { names: "none", run: list },
  create: { names: "one", run: create },
  limit: { names: "one", run: limit },
  rotate: { names: "one", run: rotate },
  revoke: { names: "some", run: revoke },
};

/** The verbs of each flag, so that a flag of another verb is not passed over in silence. */
const HOMES: Readonly<Record<string, readonly string[]>> = {
  ...Object.fromEntries(Object.keys(SETTING_FLAGS).map((flag) => [flag, ["create", "limit"]])),
  model: ["limit"],
  "keep-old": ["rotate"],
  json: ["list", "create", "rotate", "correct"],
};

function checkFlags(verb: string, flags: Call["flags"]): void {
  const given = Object.entries(flags).filter(([, value]) => value !== undefined && value !== false);
  for (const [flag] of given) {
    const homes = HOMES[flag];
    if (homes !== undefined && !homes.includes(verb))
      throw new UsageError(`${verb} takes no --${flag}; it belongs to ${homes.join(" and ")}`);
  }
  if (verb === "limit" && !given.some(([flag]) => flag in SETTING_FLAGS))
    throw new UsageError(
      "limit needs a setting, such as --requests-per-minute 60, or --requests-per-minute none to take it away",
    );
}

async function findPlace(flags: FolderFlags, io: CliIo): Promise<Place> {
  const named = flags["data-dir"];
  if (named !== undefined)
    return { keys: [], teams: null, upstreams: null, file: null, dataDir: resolve(io.cwd, named) };
  const file = findConfigFile(flags, io.env, io.cwd);
  // This shell may not be able to read the secrets, and the names are enough.
  const { config } = await loadConfig({ file, env: io.env, flags: {}, cwd: io.cwd, needsSecrets: false });
  const { keys, teams, upstreams, server } = config;
  return { keys, teams, upstreams, file: config.file, dataDir: server.dataDir };
}

function list({ flags, place, io }: Call): number {
  listKeys(place, storedKeysIn(place.dataDir), flags.json, io);
  return EXIT.ok;
}

async function create(call: Call): Promise<number> {
  const {
    names: [name = ""],
    flags,
    place,
    io,
  } = call;
  if (!isKeyName(name))
    throw new UsageError(
      `"${name}" is no name for a key; use 1 to 64 printable characters, without / and without spaces at the ends`,
    );
  const { written } = settingsFrom({}, call);
  refuseNameOfFile(name, place);
  const key = makeClientKey(io.ids);
  const createdMs = io.clock.nowMs();
  const settings = JSON.stringify(written);
  await change(place, io, (table) => wordsOf(addKey(table, { name, key, settings, createdMs }), name, place));
  show(name, key, flags.json, io);
  return EXIT.ok;
}

async function limit(call: Call): Promise<number> {
  const {
    names: [name = ""],
    place,
    io,
  } = call;
  refuseNameOfFile(name, place);
  // Checked before the transaction, and again within it on the settings of that moment.
  settingsFrom({}, call);
  await changeOne(name, place, io, (key) => {
    try {
      const { written } = settingsFrom(JSON.parse(key.settings) as WrittenSettings, call);
      return { ...key, settings: JSON.stringify(written) };
    } catch (error) {
      return `the settings of "${name}" cannot be changed: ${error instanceof Error ? error.message : error}`;
    }
  });
  io.out(`"${name}" is changed; a running gateway takes it over within a second\n`);
  return EXIT.ok;
}

async function rotate({ names: [name = ""], flags, place, io }: Call): Promise<number> {
  const keptMs = parseKeptTime(flags["keep-old"]);
  refuseNameOfFile(name, place);
  const key = makeClientKey(io.ids);
  const untilMs = io.clock.nowMs() + keptMs;
  await changeOne(name, place, io, (before) => rotated(before, key, keptMs, untilMs - keptMs));
  show(name, key, flags.json, io);
  const old = keptMs === 0 ? "ends within a second" : `ends at ${new Date(untilMs).toISOString()}`;
  io.err(`The key before ${old}.\n`);
  return EXIT.ok;
}

async function revoke({ names, place, io }: Call): Promise<number> {
  for (const name of names) refuseNameOfFile(name, place);
  const revokedMs = io.clock.nowMs();
  await change(place, io, (table) => {
    const refused = changeKeys(table, names, (key) => revoked(key, revokedMs));
    return refused === null ? null : unknownKey(refused.unknown, place);
  });
  for (const name of names) io.out(`"${name}" is revoked; a running gateway refuses it within a second\n`);
  return EXIT.ok;
}

/** Throws `UsageError` for a setting that cannot be, and for a team or an upstream that the file does not have. */
function settingsFrom(
  before: WrittenSettings,
  { flags, place: { teams, upstreams }, io }: Call,
): ChangedSettings {
  const changed = withFlags(before, flags, flags.model);
  const { settings } = changed;
  if (flags.team !== undefined && settings.team !== null) checkReference("team", settings.team, teams);
  if (flags.upstreams !== undefined)
    for (const name of settings.upstreams ?? []) checkReference("upstreams", name, upstreams);
  if (
    flags.expires !== undefined &&
    settings.expiresAtMs !== null &&
    settings.expiresAtMs <= io.clock.nowMs()
  )
    throw new UsageError(
      `--expires ${flags.expires} has passed; give a later time, or end the key with revoke`,
    );
  return changed;
}

function checkReference(
  flag: "team" | "upstreams",
  name: string,
  known: readonly { readonly name: string }[] | null,
): void {
  if (known === null || known.some((one) => one.name === name)) return;
  const list = flag === "team" ? "[[teams]]" : "[[upstreams]]";
  const names = known.map((one) => one.name);
  const repair =
    names.length === 0 ? `add ${list} with this name to the configuration` : `there are: ${names.join(", ")}`;
  throw new UsageError(
    `--${flag} ${name} is not the name of one of ${list}; ${suggest(name, names, repair)}`,
  );
}

function refuseNameOfFile(name: string, { keys, file }: Place): void {
  if (!keys.some((key) => key.name === name)) return;
  throw new Refused(
    `"${name}" is the name of a key in ${file}; change its [[keys]] entry there, or choose another name`,
  );
}

function unknownKey(name: string, { dataDir }: Place): string {
  const names = storedKeysIn(dataDir).map((key) => key.name);
  return `there is no key "${name}" in ${dataDir}; ${suggest(name, names, `there are: ${names.join(", ") || "none"}`)}`;
}

async function changeOne(
  name: string,
  place: Place,
  io: CliIo,
  /** Returns a text where it cannot be changed. */
  changed: (before: StoredKey) => StoredKey | string,
): Promise<void> {
  await change(place, io, (table) => {
    const refused = changeKey(table, name, (before) => {
      const after = changed(before);
      return typeof after === "string" ? { refused: after } : after;
    });
    return typeof refused === "object" && refused !== null ? refused.refused : wordsOf(refused, name, place);
  });
}

function wordsOf(refusal: KeyRefusal | null, name: string, place: Place): string | null {
  switch (refusal) {
    case null:
      return null;
    case "taken":
      return `there is a key "${name}" already; clewline keys rotate ${shellWord(name)} replaces it`;
    case "spent":
      return `"${name}" was the name of a key that is revoked; choose another one, so that the usage of both stays apart`;
    case "unknown":
      return unknownKey(name, place);
    case "revoked":
      return `the key "${name}" is revoked; clewline keys create makes another one`;
  }
}

/** `work` returns why it changed nothing. Throws `Refused` or `StoreError`. */
async function change(
  { dataDir }: Place,
  io: CliIo,
  work: (table: KeyTable) => string | null,
): Promise<void> {
  const refusal = await writeStore(dataDir, io, (sql) => changeStoredKeys(sql, work));
  if (refusal !== null) throw new Refused(refusal);
}

/** The only time that the key is seen: alone on standard output, so that a script can take it. */
function show(name: string, key: string, isJson: boolean, io: CliIo): void {
  io.out(isJson ? toJsonLine({ name, key }) : `${key}\n`);
  io.err(`This is the key "${name}", shown once. A running gateway accepts it within a second.\n`);
}

function parseKeptTime(text: string | undefined): number {
  if (text === undefined) return 0;
  const [, amount = "", unit = ""] = /^(\d{1,6})([smhdw])$/.exec(text) ?? [];
  const ms = Number(amount) * (UNITS_MS[unit] ?? 0);
  if (amount === "" || ms === 0) throw new UsageError(`--keep-old ${text} is not a time; give 30m, 1h or 7d`);
  return ms;
}
