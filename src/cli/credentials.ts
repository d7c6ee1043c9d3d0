/**
 * `clewline credentials`: lists the state of each provider credential, and makes a credential ready again.
 */
import { existsSync } from "node:fs";
import { stat, utimes } from "node:fs/promises";
import { resolve } from "node:path";
import type { Config } from "../config/config.ts";
import { findConfigFile } from "../config/file.ts";
import { loadConfig } from "../config/load.ts";
import { ConfigError } from "../config/problem.ts";
import { silentLog } from "../core/log.ts";
import { suggest } from "../core/nearest.ts";
import { openStore, openStoreReader, storeFile } from "../ledger/store-file.ts";
import type { CredentialSpec, CredentialStatus, PersistedState } from "../pool/credential.ts";
import type { LimitStanding } from "../pool/credential-limits.ts";
import { readKept } from "../pool/kept-room.ts";
import { RESET_REASON } from "../pool/park.ts";
import { makePool } from "../pool/pool.ts";
import { makeSnapshot } from "../snapshot.ts";
import { type KeptRoomRow, readCredentialRooms } from "../store/credential-rooms.ts";
import type { RunningFacts } from "../store/running-file.ts";
import type { Sql } from "../store/sql.ts";
import { makeStateStore, readCredentialStates } from "../store/state.ts";
import { type CliIo, EXIT } from "./cli.ts";
import { makeCommand, UsageError } from "./command.ts";
import { roomRows, roomToJson } from "./credential-room.ts";
import { dataDirDespite, READER_FLAGS, reportDataFailure } from "./ledger-reader.ts";
import { refusedText, runningIn } from "./running.ts";
import { type Column, columnWidths, formatMs, tableLine, toJsonLine } from "./table.ts";

const COLUMNS: readonly Column[] = [
  { title: "CREDENTIAL", align: "left", maxChars: 38 },
  { title: "STATE", align: "left", maxChars: 11 },
  { title: "LEFT", align: "right", maxChars: 8 },
  { title: "REASON", align: "left", maxChars: 80 },
];

/** Longest wait for the lock of the database; a gateway that writes holds it for milliseconds. */
const WRITE_TIMEOUT_MS = 5_000;
const WRITE_POLL_MS = 50;
const DAY_MS = 86_400_000;

export const credentials = makeCommand(
  {
    name: "credentials",
    usage: ["[--json]", "reset UPSTREAM/NAME..."],
    about: `Lists the credentials of the configuration with state, time left and reason, whether the gateway runs or not. Below each
credential are the models for which it alone is parked. States: ready; new (no gateway has taken its key over); cooling
and exhausted until a time; invalid, and exhausted without a time, until a person acts; forbidden (a model); unreachable (a
running gateway can make no connection to the upstream, and tries it again). Lines with "room" tell what was left of the provider's limits and of your own, as a gateway wrote it down in the last minute.

"unconfirmed" before a reason: a provider said so to one request. The state ends by itself, and the credential is asked
before that when no other one is ready. "confirmed": a call of the gateway's own has met the same refusal. "for the key": one
client key alone has met it, so it holds for the requests of that key alone.

reset makes credentials ready again, with all their models, and forgets what their providers said of limits: after you have
paid, or repaired the reason. A changed api_key needs no reset.`,
    positionals: {},
    flags: {
      json: READER_FLAGS.json,
      config: { value: "FILE", help: "the configuration with the credentials" },
      "data-dir": {
        value: "DIR",
        help: "the data folder itself; no configuration is read then, and only credentials in its database are listed",
      },
    },
  },
  async ({ flags, positionals }, io) => {
    const [verb = "list", ...names] = positionals;
    if (verb === "reset" && names.length === 0)
      throw new UsageError("reset needs the names of credentials, such as openai/main");
    if (verb !== "reset" && (verb !== "list" || names.length > 0))
      throw new UsageError(`unknown argument ${names[0] ?? verb}`);
    try {
      const known = await readPool(flags, io);
      if (verb === "reset") return await reset(names, known, io);
      // Without a valid file, what was said of the file is enough.
      if (known.configFile !== null) io.err(refusedText(known.running));
      list(known, flags.json, io);
      return EXIT.ok;
    } catch (error) {
      return reportDataFailure("credentials", error, io);
    }
  },
);

interface Known {
  readonly configFile: string | null;
  readonly dataDir: string;
  readonly specs: readonly CredentialSpec[];
  readonly statuses: readonly CredentialStatus[];
  /** What was left of the operator's limits, as a gateway wrote it last, by id. */
  readonly limits: ReadonlyMap<string, readonly LimitStanding[]>;
  /** What the gateway that runs knows; null: none runs. */
  readonly running: RunningFacts | null;
  /** By id: credentials whose key no gateway has taken over, with the state of the key before; null: there is none. */
  readonly untaken: ReadonlyMap<string, string | null>;
}

/** The pool of a gateway that would start now. */
async function readPool(
  flags: { readonly config: string | undefined; readonly "data-dir": string | undefined },
  io: CliIo,
): Promise<Known> {
  const given = flags["data-dir"];
  const found = given === undefined ? await readConfig(flags.config, io) : resolve(io.cwd, given);
  const read = typeof found === "string" ? null : found;
  const config = read?.config ?? null;
  const dataDir = typeof found === "string" ? found : found.config.server.dataDir;
  const states = readStates(dataDir);
  if (states === null) {
    io.err(
      `clewline credentials: there is no database in ${dataDir} yet, so no credential is known to be parked\n`,
    );
  }
  const specs = read === null ? specsOf(states ?? []) : specsIn(read, states ?? []);
  const rooms = states === null ? [] : readRows(dataDir, readCredentialRooms);
  const { clock } = io;
  const pool = makePool({ specs, clock, log: silentLog, restore: states ?? [], rooms, persist() {} });
  return {
    configFile: config?.file ?? null,
    dataDir,
    specs,
    statuses: pool.list(),
    running: runningIn(dataDir, io),
    limits: limitsIn(rooms, specs, clock.nowMs()),
    untaken: findUntaken(specs, states ?? []),
  };
}

/** A gateway keeps a state of each key that it takes over; a state of a model alone may be of an older version. */
function findUntaken(
  specs: readonly CredentialSpec[],
  states: readonly PersistedState[],
): ReadonlyMap<string, string | null> {
  const untaken = new Map<string, string | null>();
  for (const { id, fingerprint } of specs) {
    const rows = states.filter((row) => `${row.upstream}/${row.credential}` === id);
    const whole = rows.find(({ model }) => model === null) ?? null;
    const last = whole ?? rows.find((row) => row.fingerprint === fingerprint);
    if (last?.fingerprint !== fingerprint) untaken.set(id, whole?.state ?? null);
  }
  return untaken;
}

interface ReadConfig {
  readonly config: Config;
  readonly hasSecrets: boolean;
}

/**
 * This shell may not be able to read the secrets. Without them only the fingerprints of the keys are unknown. Of a
 * configuration that is not valid, only the data folder is known.
 */
async function readConfig(named: string | undefined, io: CliIo): Promise<ReadConfig | string> {
  const file = findConfigFile({ config: named }, io.env, io.cwd);
  const options = { file, env: io.env, flags: {}, cwd: io.cwd, sharedFiles: "ignore" } as const;
  try {
    return { config: (await loadConfig(options)).config, hasSecrets: true };
  } catch (cause) {
    if (!(cause instanceof ConfigError)) throw cause;
    try {
      return { config: (await loadConfig({ ...options, needsSecrets: false })).config, hasSecrets: false };
    } catch {
      return await dataDirDespite(cause, file, io);
    }
  }
}

/** Without the secrets, each state is taken to belong to the configured key. */
function specsIn(
  { config, hasSecrets }: ReadConfig,
  states: readonly PersistedState[],
): readonly CredentialSpec[] {
  const specs = makeSnapshot(config).credentialSpecs;
  if (hasSecrets) return specs;
  const seen = new Map(states.map((state) => [`${state.upstream}/${state.credential}`, state.fingerprint]));
  return specs.map((spec) => ({ ...spec, fingerprint: seen.get(spec.id) ?? spec.fingerprint }));
}

function readStates(dataDir: string): PersistedState[] | null {
  return existsSync(storeFile(dataDir)) ? readRows(dataDir, readCredentialStates) : null;
}

function readRows<Row>(dataDir: string, read: (sql: Sql) => Row[]): Row[] {
  const sql = openStoreReader(dataDir);
  try {
    return read(sql);
  } finally {
    sql.close();
  }
}

function limitsIn(
  rooms: readonly KeptRoomRow[],
  specs: readonly CredentialSpec[],
  nowMs: number,
): Known["limits"] {
  const fingerprints = new Map(specs.map(({ id, fingerprint }) => [id, fingerprint]));
  const own = rooms.filter(
    (row) => fingerprints.get(`${row.upstream}/${row.credential}`) === row.fingerprint,
  );
  return new Map(
    own.map((row) => [`${row.upstream}/${row.credential}`, readKept(row, nowMs)?.limits ?? []] as const),
  );
}

/** Without a configuration: the credentials that the database has states of. */
function specsOf(states: readonly PersistedState[]): CredentialSpec[] {
  const specs = new Map<string, CredentialSpec>();
  for (const { upstream, credential: name, fingerprint } of states) {
    const id = `${upstream}/${name}`;
    specs.set(id, { id, upstream, name, priority: 0, scope: "model", fingerprint });
  }
  return [...specs.values()];
}

function list({ statuses, untaken, limits, running }: Known, isJson: boolean, io: CliIo): void {
  const nowMs = io.clock.nowMs();
  const shown = statuses.map((status) => withReach(withTruth(status, untaken), running));
  if (isJson) {
    for (const status of shown) io.out(toJsonLine(toJson(status, limits.get(status.id) ?? [], nowMs)));
    return;
  }
  if (statuses.length === 0) {
    io.out("There are no credentials.\n");
    return;
  }
  const rows = shown.flatMap((status) => [
    [status.id, ...toCells(status, nowMs)],
    ...status.models.map((model) => [`  ${model.model}`, ...toCells(model, nowMs)]),
    ...roomRows(status, limits.get(status.id) ?? [], nowMs),
  ]);
  const titles = COLUMNS.map(({ title }) => title);
  const widths = columnWidths(COLUMNS, rows);
  for (const row of [titles, ...rows]) io.out(`${tableLine(COLUMNS, widths, row)}\n`);
}

/** `new` and `unreachable`: the pool does not know them. */
type Facts = Pick<CredentialStatus, "reason" | "untilMs" | "sinceMs" | "strikes" | "clientKey"> & {
  readonly state: CredentialStatus["state"] | "new" | "unreachable";
};
type Shown = Facts & Omit<CredentialStatus, keyof Facts>;

/** A key that no gateway uses is not ready: a running gateway may use the one before, whatever the file says. */
function withTruth(status: CredentialStatus, untaken: Known["untaken"]): Shown {
  const before = untaken.get(status.id);
  if (before === undefined) return status;
  const reason = `no gateway uses this key yet${before === null ? "" : ` (the one before: ${before})`}`;
  return { ...status, state: "new", reason };
}

/** Nothing is wrong with the credential, and no request with it arrives. */
function withReach(status: Shown, running: RunningFacts | null): Shown {
  const away = running?.away.find(({ upstream }) => upstream === status.upstream);
  if (away === undefined || status.state !== "ready") return status;
  return { ...status, state: "unreachable", reason: away.reason, sinceMs: away.sinceMs };
}

function toCells({ state, reason, untilMs, clientKey }: Facts, nowMs: number): string[] {
  if (state === "ready") return [state, "", ""];
  if (state === "unreachable") return [state, "", reason];
  if (state === "new") return [state, "", reason];
  if (untilMs === null) return [state, "-", `${reason} (until a person acts)`];
  const whose = clientKey === undefined ? "" : `for the key ${clientKey}: `;
  return [state, formatLeft(untilMs - nowMs), whose + reason];
}

function formatLeft(leftMs: number): string {
  if (leftMs < 2 * DAY_MS) return formatMs(Math.max(1_000, leftMs));
  return `${Math.floor(leftMs / DAY_MS)}d${Math.floor((leftMs % DAY_MS) / 3_600_000)}h`;
}

function toJson(status: Shown, limits: readonly LimitStanding[], nowMs: number): object {
  const { upstream, name, priority, models } = status;
  return {
    upstream,
    name,
    priority,
    ...factsToJson(status, nowMs),
    models: models.map((each) => ({ model: each.model, ...factsToJson(each, nowMs) })),
    ...roomToJson(status, limits),
  };
}

function factsToJson({ state, reason, untilMs, sinceMs, strikes, clientKey }: Facts, nowMs: number): object {
  const isReady = state === "ready";
  return {
    state,
    reason: isReady ? null : reason,
    ...(clientKey === undefined ? {} : { key: clientKey }),
    until: untilMs === null ? null : new Date(untilMs).toISOString(),
    left_ms: untilMs === null ? null : Math.max(0, untilMs - nowMs),
    since: isReady || state === "new" ? null : new Date(sinceMs).toISOString(),
    strikes,
  };
}

const NEW_KEY = "a key that no gateway uses yet, so there is nothing to reset";

async function reset(ids: readonly string[], known: Known, io: CliIo): Promise<number> {
  const names = known.specs.map(({ id }) => id);
  const unknown = ids.find((id) => !names.includes(id));
  if (unknown !== undefined) {
    const repair = suggest(unknown, names, `there are: ${names.join(", ") || "none"}`);
    io.err(`clewline credentials: there is no credential "${unknown}"; ${repair}\n`);
    return EXIT.failed;
  }
  const isParked = ({ state, models }: CredentialStatus): boolean => state !== "ready" || models.length > 0;
  const taken = known.statuses.filter(
    (status) => ids.includes(status.id) && (isParked(status) || !known.untaken.has(status.id)),
  );
  if (taken.length > 0 && !(await writeResets(taken, known, io))) {
    io.err("clewline credentials: the database is locked or cannot be written; nothing may have changed\n");
    return EXIT.failed;
  }
  for (const id of ids) {
    const status = taken.find((one) => one.id === id);
    const models = status?.models.length ?? 0;
    const was = status?.state === "ready" ? `${models} parked models` : `${status?.state}: ${status?.reason}`;
    if (status === undefined) io.out(`${id} has ${NEW_KEY}\n`);
    else if (isParked(status)) io.out(`${id} is ready again (was ${was})\n`);
    else io.out(`${id} is ready; what was known of its limits is forgotten\n`);
  }
  if (taken.length > 0) io.out(`A running gateway ${await tellGateway(known.configFile, io)}.\n`);
  return EXIT.ok;
}

/**
 * A gateway reads the states along with its configuration, which it reads when the time of the file changes.
 */
async function tellGateway(configFile: string | null, io: CliIo): Promise<string> {
  const byHand = "takes this over when it gets a SIGHUP";
  if (configFile === null) return byHand;
  try {
    const { atime } = await stat(configFile);
    await utimes(configFile, atime, new Date(io.clock.nowMs()));
    return "takes this over within a second";
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    return `${byHand} (its configuration file could not be touched: ${code})`;
  }
}

/**
 * Writes one row for each credential and deletes the rows of its models. Returns whether the rows were
 * written.
 */
async function writeResets(
  parked: readonly CredentialStatus[],
  { dataDir, specs }: Known,
  io: CliIo,
): Promise<boolean> {
  const sinceMs = io.clock.nowMs();
  const rows = parked.flatMap(({ id, upstream, name, models }) => {
    const fingerprint = specs.find((spec) => spec.id === id)?.fingerprint ?? "";
    const ready = { state: "ready", reason: RESET_REASON, untilMs: null, sinceMs, strikes: 0, fingerprint };
    const all = [null, ...models.map(({ model }) => model)];
    return all.map((model) => ({ upstream, credential: name, model, ...ready }));
  });
  const store = makeStateStore({ open: () => openStore(dataDir), log: silentLog });
  store.saveCredentialStates(rows);
  const hasArrived = (): boolean => {
    const stored = readStates(dataDir) ?? [];
    return parked.every(({ upstream, name }) =>
      stored.some(
        (row) =>
          row.upstream === upstream &&
          row.credential === name &&
          row.model === null &&
          row.reason === RESET_REASON &&
          row.sinceMs === sinceMs,
      ),
    );
  };
  const untilMs = io.clock.monotonicMs() + WRITE_TIMEOUT_MS;
  while (!hasArrived() && io.clock.monotonicMs() < untilMs) {
    await new Promise((wake) => setTimeout(wake, WRITE_POLL_MS));
  }
  store.close();
  return hasArrived();
}
