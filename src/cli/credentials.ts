/** `clewline credentials`: what state each provider credential is in, and a way to bring one back by hand. */
import { existsSync } from "node:fs";
import { stat, utimes } from "node:fs/promises";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import type { Config } from "../config/config.ts";
import { findConfigFile } from "../config/file.ts";
import { loadConfig } from "../config/load.ts";
import { ConfigError, renderProblems } from "../config/problem.ts";
import { silentLog } from "../core/log.ts";
import { suggest } from "../core/nearest.ts";
import { openStore, openStoreReader, storeFile } from "../ledger/store-file.ts";
import { RESET_REASON } from "../pool/park.ts";
import { type CredentialSpec, type CredentialStatus, makePool, type PersistedState } from "../pool/pool.ts";
import { makeSnapshot } from "../snapshot.ts";
import { StoreError } from "../store/sql.ts";
import { makeStateStore, readCredentialStates } from "../store/state.ts";
import type { CliIo, Command } from "./cli.ts";
import { isUsageError, UsageError } from "./ledger-reader.ts";
import { type Column, columnWidths, formatMs, tableLine, toJsonLine } from "./table.ts";

const HELP = `Usage: clewline credentials [--json]
       clewline credentials reset UPSTREAM/NAME...

Lists the credentials of the configuration with state, time left and reason, whether the gateway runs or not, and below each
the models that are parked for it alone. States: ready; cooling and exhausted until a time or, without one, until a person
acts; invalid (refused); forbidden (a model).

reset makes credentials ready again, with all their models: after you have paid, or repaired what the reason names. A changed
api_key needs no reset.

  --json           one JSON object a line
  --config FILE    the configuration with the credentials
  --data-dir DIR   the data folder itself; no configuration is read then, and only what is parked or was is listed
  --help           this text
`;

const COLUMNS: readonly Column[] = [
  { title: "CREDENTIAL", align: "left", maxChars: 38 },
  { title: "STATE", align: "left", maxChars: 9 },
  { title: "LEFT", align: "right", maxChars: 8 },
  { title: "REASON", align: "left", maxChars: 60 },
];

/** A gateway that is writing holds the lock for milliseconds; one that stopped halfway, not at all. */
const WRITE_TIMEOUT_MS = 5_000;
const WRITE_POLL_MS = 50;
const DAY_MS = 86_400_000;

export const credentials: Command = async (args, io) => {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        config: { type: "string" },
        "data-dir": { type: "string" },
        json: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    });
    if (values.help) {
      io.out(HELP);
      return 0;
    }
    const [verb = "list", ...names] = positionals;
    if (verb === "reset" && names.length > 0) return await reset(names, await readPool(values, io), io);
    if (verb === "reset") throw new UsageError("reset: name the credentials, such as openai/main");
    if (verb !== "list" || names.length > 0) throw new UsageError(`unknown argument ${names[0] ?? verb}`);
    list(await readPool(values, io), values.json, io);
    return 0;
  } catch (error) {
    if (isUsageError(error)) {
      io.err(`clewline credentials: ${error.message}\n\n${HELP}`);
      return 2;
    }
    if (error instanceof ConfigError) {
      io.err(
        `clewline credentials: the configuration is wrong (with --data-dir none is read).\n${renderProblems(error.problems)}`,
      );
      return 78;
    }
    if (error instanceof StoreError) {
      io.err(`clewline credentials: the database cannot be used: ${error.message}\n`);
      return 1;
    }
    throw error;
  }
};

interface Known {
  readonly configFile: string | null;
  readonly dataDir: string;
  readonly specs: readonly CredentialSpec[];
  readonly statuses: readonly CredentialStatus[];
}

/** The pool as a gateway that started now would have it. */
async function readPool(
  flags: { readonly config?: string | undefined; readonly "data-dir"?: string | undefined },
  io: CliIo,
): Promise<Known> {
  const named = flags["data-dir"];
  const read = named === undefined ? await readConfig(flags.config, io) : null;
  const config = read?.config ?? null;
  const dataDir = config?.server.dataDir ?? resolve(io.cwd, named ?? "");
  const states = readStates(dataDir);
  if (states === null) {
    io.err(
      `clewline credentials: there is no database in ${dataDir} yet, so nothing is known to be parked\n`,
    );
  }
  const specs = read === null ? specsOf(states ?? []) : specsIn(read, states ?? []);
  const pool = makePool({ specs, clock: io.clock, log: silentLog, restore: states ?? [], persist() {} });
  return { configFile: config?.file ?? null, dataDir, specs, statuses: pool.list() };
}

interface ReadConfig {
  readonly config: Config;
  readonly hasSecrets: boolean;
}

/** The secrets may be out of this shell's reach: all but the keys' fingerprints is known without them. */
async function readConfig(named: string | undefined, io: CliIo): Promise<ReadConfig> {
  const file = findConfigFile({ config: named }, io.env, io.cwd);
  const options = { file, env: io.env, flags: {}, cwd: io.cwd };
  try {
    return { config: (await loadConfig(options)).config, hasSecrets: true };
  } catch (cause) {
    if (!(cause instanceof ConfigError)) throw cause;
    return { config: (await loadConfig({ ...options, needsSecrets: false })).config, hasSecrets: false };
  }
}

/** Without the secrets, a state is taken to be about the key that is configured. */
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
  if (!existsSync(storeFile(dataDir))) return null;
  const sql = openStoreReader(dataDir);
  try {
    return readCredentialStates(sql);
  } finally {
    sql.close();
  }
}

/** Without a configuration: the credentials that the database has heard of. */
function specsOf(states: readonly PersistedState[]): CredentialSpec[] {
  const specs = new Map<string, CredentialSpec>();
  for (const { upstream, credential: name, fingerprint } of states) {
    const id = `${upstream}/${name}`;
    specs.set(id, { id, upstream, name, priority: 0, scope: "model", fingerprint });
  }
  return [...specs.values()];
}

function list({ statuses }: Known, isJson: boolean, io: CliIo): void {
  const nowMs = io.clock.nowMs();
  if (isJson) {
    for (const status of statuses) io.out(toJsonLine(toJson(status, nowMs)));
    return;
  }
  if (statuses.length === 0) {
    io.out("There are no credentials.\n");
    return;
  }
  const rows = statuses.flatMap((status) => [
    [status.id, ...toCells(status, nowMs)],
    ...status.models.map((model) => [`  ${model.model}`, ...toCells(model, nowMs)]),
  ]);
  const titles = COLUMNS.map(({ title }) => title);
  const widths = columnWidths(COLUMNS, rows);
  for (const row of [titles, ...rows]) io.out(`${tableLine(COLUMNS, widths, row)}\n`);
}

type Facts = Pick<CredentialStatus, "state" | "reason" | "untilMs" | "sinceMs" | "strikes">;

function toCells({ state, reason, untilMs }: Facts, nowMs: number): string[] {
  if (state === "ready") return [state, "", ""];
  if (untilMs === null) return [state, "-", `${reason} (until a person acts)`];
  if (untilMs <= nowMs) return [state, "0s", `${reason} (the next request tries it)`];
  return [state, formatLeft(untilMs - nowMs), reason];
}

function formatLeft(leftMs: number): string {
  if (leftMs < 2 * DAY_MS) return formatMs(Math.max(1_000, leftMs));
  return `${Math.floor(leftMs / DAY_MS)}d${Math.floor((leftMs % DAY_MS) / 3_600_000)}h`;
}

function toJson(status: CredentialStatus, nowMs: number): object {
  const { upstream, name, priority, models } = status;
  return {
    upstream,
    name,
    priority,
    ...factsToJson(status, nowMs),
    models: models.map((each) => ({ model: each.model, ...factsToJson(each, nowMs) })),
  };
}

function factsToJson({ state, reason, untilMs, sinceMs, strikes }: Facts, nowMs: number): object {
  const isReady = state === "ready";
  return {
    state,
    reason: isReady ? null : reason,
    until: untilMs === null ? null : new Date(untilMs).toISOString(),
    left_ms: untilMs === null ? null : Math.max(0, untilMs - nowMs),
    since: isReady ? null : new Date(sinceMs).toISOString(),
    strikes,
  };
}

async function reset(ids: readonly string[], known: Known, io: CliIo): Promise<number> {
  const names = known.specs.map(({ id }) => id);
  const unknown = ids.find((id) => !names.includes(id));
  if (unknown !== undefined) {
    const repair = suggest(unknown, names, `There are: ${names.join(", ") || "none"}.`);
    io.err(`clewline credentials: there is no credential "${unknown}". ${repair}\n`);
    return 1;
  }
  const parked = known.statuses.filter(
    ({ id, state, models }) => ids.includes(id) && (state !== "ready" || models.length > 0),
  );
  if (parked.length > 0 && !(await writeResets(parked, known, io))) {
    io.err("clewline credentials: the database is locked or cannot be written; nothing may have changed\n");
    return 1;
  }
  for (const id of ids) {
    const status = parked.find((one) => one.id === id);
    const models = status?.models.length ?? 0;
    const was = status?.state === "ready" ? `${models} parked models` : `${status?.state}: ${status?.reason}`;
    io.out(status === undefined ? `${id} is ready already\n` : `${id} is ready again (was ${was})\n`);
  }
  if (parked.length > 0) io.out(`A running gateway ${await tellGateway(known.configFile, io)}.\n`);
  return 0;
}

/** A gateway reads states along with its configuration, and that when the file's time changes. */
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

/** Writes one row for each credential and takes away those of its models; whether the rows have arrived. */
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
