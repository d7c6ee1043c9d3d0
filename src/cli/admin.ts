/** `clewline admin`: links that sign a browser in, and tokens for scripts. */
import { parseListen } from "../config/admin/listen-address.ts";
import type { Config } from "../config/config.ts";
import { findConfigFile } from "../config/file.ts";
import { loadConfig } from "../config/load.ts";
import { ConfigError } from "../config/problem.ts";
import { isKeyName } from "../config/schema-keys.ts";
import { suggest } from "../core/nearest.ts";
import { AdminAccessTable, makeLink, makeToken } from "../store/admin-access.ts";
import type { RunningFacts } from "../store/running-file.ts";
import { type CliIo, EXIT } from "./cli.ts";
import { makeCommand, UsageError } from "./command.ts";
import { READER_FLAGS, reportDataFailure } from "./ledger-reader.ts";
import { runningIn } from "./running.ts";
import { type Column, columnWidths, tableLine, toJsonLine } from "./table.ts";
import { writeStore } from "./write-store.ts";

interface Place {
  readonly dataDir: string;
  /** Where the page is; null: the port is chosen at the start of the gateway. */
  readonly page: string | null;
}

interface Call {
  readonly names: readonly string[];
  readonly isJson: boolean;
  readonly place: Place;
  readonly io: CliIo;
}

export const admin = makeCommand(
  {
    name: "admin",
    usage: ["link", "token NAME [--json]", "tokens [--json]", "revoke NAME..."],
    about: `link prints the address of the admin's page with a token that signs a browser in: once, in the next ten minutes.
token makes a token for scripts, which send it as Authorization: Bearer. It is shown once; the database keeps its hash.
tokens lists them, and revoke ends them at once.`,
    positionals: {},
    flags: { config: READER_FLAGS.config, json: READER_FLAGS.json },
  },
  async ({ flags, positionals }, io) => {
    const [verb = "", ...names] = positionals;
    const run = VERBS[verb];
    if (run === undefined) {
      const verbs = Object.keys(VERBS);
      const what = verb === "" ? "an action is missing" : `unknown argument ${verb}`;
      throw new UsageError(`${what}; ${suggest(verb, verbs, `use ${verbs.join(", ")}`)}`);
    }
    try {
      return await run({ names, isJson: flags.json, place: await findPlace(flags, io), io });
    } catch (error) {
      return reportDataFailure("admin", error, io);
    }
  },
);

const VERBS: Readonly<Record<string, (call: Call) => Promise<number>>> = { link, token, tokens, revoke };

async function findPlace(flags: { readonly config: string | undefined }, io: CliIo): Promise<Place> {
  const options = { file: findConfigFile(flags, io.env, io.cwd), env: io.env, flags: {}, cwd: io.cwd };
  const { config } = await loadConfig({
    ...options,
    hashPassword: async () => "",
    sharedFiles: "ignore",
  }).catch((cause: unknown) => {
    if (!(cause instanceof ConfigError)) throw cause;
    // This shell may not be able to read the secrets, and they are not needed.
    return loadConfig({ ...options, needsSecrets: false });
  });
  return { dataDir: config.server.dataDir, page: pageOf(config, runningIn(config.server.dataDir, io)) };
}

/** A gateway that runs may have been started with another port. */
function pageOf({ server, admin: settings }: Config, running: RunningFacts | null): string | null {
  const own = parseListen(settings?.listen ?? "");
  if (own === null && running !== null) return `${running.url}/admin/`;
  const { host, port } = own ?? server;
  if (port === 0) return null;
  const shown = host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host;
  const scheme = server.tls === null ? "http" : "https";
  const name = shown.includes(":") ? `[${shown}]` : shown;
  return `${scheme}://${name}:${port}${own === null ? server.basePath : ""}/admin/`;
}

async function link({ names, place: { dataDir, page }, io }: Call): Promise<number> {
  if (names.length > 0) throw new UsageError("link takes no name");
  const made = await writeStore(dataDir, io, (sql) => makeLink(new AdminAccessTable(sql), io));
  io.out(`${page ?? "/admin/"}#link=${made}\n`);
  if (page === null) io.err("The gateway's log says at which address it listens; put it before the path.\n");
  return EXIT.ok;
}

async function token({ names, isJson, place: { dataDir }, io }: Call): Promise<number> {
  const [name = ""] = names;
  if (names.length !== 1 || !isKeyName(name))
    throw new UsageError("token needs one name, of 1 to 64 printable characters without /");
  const made = await writeStore(dataDir, io, (sql) => makeToken(new AdminAccessTable(sql), name, io));
  if (made === null) {
    io.err(`clewline admin: there is a token "${name}" already; choose another name, or revoke it first\n`);
    return EXIT.failed;
  }
  io.out(isJson ? toJsonLine({ name, token: made }) : `${made}\n`);
  io.err(`This is the admin token "${name}", shown once.\n`);
  return EXIT.ok;
}

const COLUMNS: readonly Column[] = [
  { title: "NAME", align: "left", maxChars: 40 },
  { title: "TOKEN", align: "left", maxChars: 20 },
  { title: "MADE", align: "left", maxChars: 20 },
];

async function tokens({ names, isJson, place: { dataDir }, io }: Call): Promise<number> {
  if (names.length > 0) throw new UsageError("tokens takes no name");
  const found = await writeStore(dataDir, io, (sql) => new AdminAccessTable(sql).tokens());
  const shown = found.map(({ name, lastFour, madeMs }) => ({
    name,
    last_four: lastFour,
    made: new Date(madeMs).toISOString().replace(/\.\d+Z$/, "Z"),
  }));
  if (isJson) {
    for (const one of shown) io.out(toJsonLine(one));
    return EXIT.ok;
  }
  if (shown.length === 0) io.out("There are no admin tokens. clewline admin token NAME makes one.\n");
  else {
    const rows = shown.map((one) => [one.name, `clew-admin-…${one.last_four}`, one.made]);
    const widths = columnWidths(COLUMNS, rows);
    const titles = COLUMNS.map(({ title }) => title);
    for (const row of [titles, ...rows]) io.out(`${tableLine(COLUMNS, widths, row)}\n`);
  }
  return EXIT.ok;
}

async function revoke({ names, place: { dataDir }, io }: Call): Promise<number> {
  if (names.length === 0) throw new UsageError("revoke needs the name of a token, or of several");
  let code: number = EXIT.ok;
  for (const name of names) {
    if (await writeStore(dataDir, io, (sql) => new AdminAccessTable(sql).endToken(name)))
      io.out(`the admin token "${name}" has ended\n`);
    else {
      io.err(`clewline admin: there is no token "${name}"; clewline admin tokens lists them\n`);
      code = EXIT.failed;
    }
  }
  return code;
}
