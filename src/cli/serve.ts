/** `clewline serve`: the gateway itself, until a signal. */
import { parseArgs } from "node:util";
import { type App, startApp } from "../app.ts";
import type { Config } from "../config/config.ts";
import { findConfigFile } from "../config/file.ts";
import { firstRun, firstRunFile } from "../config/first-run.ts";
import { loadConfig } from "../config/load.ts";
import { ensureAdminPassword } from "../config/password.ts";
import { ConfigError, renderProblems } from "../config/problem.ts";
import type { CliIo, Command } from "./cli.ts";
import { makeLog } from "./log.ts";
import { hashPassword } from "./password.ts";
import { VERSION } from "./version.ts";

const HELP = `clewline serve: starts the gateway

  --config FILE     configuration (else CLEWLINE_CONFIG, ./clewline.toml, the user's folder)
  --host HOST       listen here instead of server.host
  --port PORT       listen on this port instead of server.port
  --data-dir DIR    keep the ledger here instead of server.data_dir
  --log-level L     debug, info, warn or error
  --help            this text

SIGTERM and SIGINT drain: running requests end first. A second one ends at once.
SIGHUP, and any change of the file, reads the configuration again.
`;

export const serve: Command = async (args, io) => {
  const flags = readFlags(args, io);
  if (typeof flags === "number") return flags;
  try {
    const file = await prepare(flags.config, io);
    const load = async (): Promise<Config> => {
      const { config, warnings } = await loadConfig({ file, env: io.env, flags, cwd: io.cwd, hashPassword });
      if (warnings.length > 0) io.err(renderProblems(warnings));
      return config;
    };
    const config = await load();
    const log = makeLog(config.log.level);
    const app = await startApp({
      config,
      reloadConfig: load,
      version: VERSION,
      clock: io.clock,
      ids: io.ids,
      log,
      residentBytes: io.residentBytes,
    });
    io.onReload(() => void app.reload());
    io.out(greeting(app, config));
    log.info(
      { url: app.url, version: VERSION, config: config.file, dataDir: config.server.dataDir },
      "listening",
    );
    await io.stopped;
    await app.drain();
    return 0;
  } catch (cause) {
    if (cause instanceof ConfigError) {
      io.err(renderProblems(cause.problems));
      return 78;
    }
    io.err(`clewline: ${startFailure(cause)}\n`);
    return 1;
  }
};

interface ServeFlags {
  readonly config?: string;
  readonly host?: string;
  readonly port?: string;
  readonly dataDir?: string;
  readonly logLevel?: string;
}

function readFlags(args: readonly string[], io: CliIo): ServeFlags | number {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        config: { type: "string" },
        host: { type: "string" },
        port: { type: "string" },
        "data-dir": { type: "string" },
        "log-level": { type: "string" },
        help: { type: "boolean", short: "h" },
      },
    });
    if (values.help) {
      io.out(HELP);
      return 0;
    }
    return {
      ...(values.config === undefined ? {} : { config: values.config }),
      ...(values.host === undefined ? {} : { host: values.host }),
      ...(values.port === undefined ? {} : { port: values.port }),
      ...(values["data-dir"] === undefined ? {} : { dataDir: values["data-dir"] }),
      ...(values["log-level"] === undefined ? {} : { logLevel: values["log-level"] }),
    };
  } catch (cause) {
    io.err(`clewline serve: ${(cause as Error).message}\nSee clewline serve --help.\n`);
    return 2;
  }
}

/** Finds the file, or makes the first one; keeps the admin's password as a hash. What is made now is shown once, here. */
async function prepare(named: string | undefined, io: CliIo): Promise<string> {
  const found = findConfigFile({ config: named }, io.env, io.cwd);
  if (found === null) {
    const made = await firstRun({ file: firstRunFile(io.env), ids: io.ids, hashPassword });
    // At once, whatever comes of the start: it is shown only now.
    io.out(`No configuration was found, so one was made: ${made.file}
  client key      ${made.clientKey}
  admin password  ${made.adminPassword}   (shown only now; the file keeps its hash)

`);
    return made.file;
  }
  const { madePassword, warnings } = await ensureAdminPassword({
    file: found,
    env: io.env,
    cwd: io.cwd,
    ids: io.ids,
    hashPassword,
  });
  if (warnings.length > 0) io.err(renderProblems(warnings));
  if (madePassword !== null) {
    io.out(`An admin password was made: ${madePassword}   (shown only now; the file keeps its hash)\n\n`);
  }
  return found;
}

function greeting(app: App, config: Config): string {
  const { url } = app;
  const upstreams = config.upstreams.map((upstream) => upstream.name).join(", ");
  return `Clewline ${VERSION} is listening.
  OpenAI Chat Completions   ${url}/v1           (POST /chat/completions)
  OpenAI Responses          ${url}/v1           (POST /responses)
  Anthropic Messages        ${url}              (POST /v1/messages)
  Gemini                    ${url}              (POST /v1beta/models/MODEL:generateContent)
  upstreams                 ${upstreams === "" ? `none yet: add one to ${config.file}` : upstreams}
${app.metricsUrl === null ? "" : `  metrics                   ${app.metricsUrl}\n`}`;
}

function startFailure(cause: unknown): string {
  const error = cause as { code?: string; message?: string };
  if (error.code === "EADDRINUSE") {
    return "the port is taken by another program; set server.port, or --port, to a free one";
  }
  if (error.code === "EACCES") return "this port or folder is not allowed for this user; choose another one";
  return error.message ?? String(cause);
}
