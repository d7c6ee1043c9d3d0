/** `clewline serve`: the gateway itself, until a signal. */

import type { App } from "../app/app-options.ts";
import { type LogWriter, logWriter } from "../app/log-writer.ts";
import { startApp } from "../app.ts";
import { refuseSharedFile } from "../config/access/shared-paths.ts";
import type { Config } from "../config/config.ts";
import { findConfigFile } from "../config/file.ts";
import { firstRun, firstRunFile } from "../config/first-run/first-run.ts";
import { ensureAdminPassword } from "../config/first-run/password.ts";
import { loadConfig, loadDraft } from "../config/load.ts";
import { ConfigError, renderProblems } from "../config/problem.ts";
import { hashPassword, makeSteadyHash } from "../http/password.ts";
import { AdminAccessTable, makeLink } from "../store/admin-access.ts";
import { StoreError } from "../store/sql.ts";
import { type CliIo, EXIT } from "./cli.ts";
import { makeCommand, SHARED_FILES_HELP } from "./command.ts";
import { makeLog, makeTerminalLog, type ProcessLog } from "./log.ts";
import { VERSION } from "./version.ts";
import { writeStore } from "./write-store.ts";

/** How long the last lines of the log wait for a reader. */
const LOG_END_MS = 500;

export const serve = makeCommand(
  {
    name: "serve",
    usage: [
      "[--config FILE] [--host HOST] [--port PORT] [--data-dir DIR] [--log-level LEVEL]",
      "[--allow-shared-files]",
    ],
    about: "Starts the gateway.",
    flags: {
      config: {
        value: "FILE",
        help: "the configuration (else CLEWLINE_CONFIG, ./clewline.toml, the user's folder)",
      },
      host: { value: "HOST", help: "replaces server.host" },
      port: { value: "PORT", help: "replaces server.port" },
      "data-dir": { value: "DIR", help: "replaces server.data_dir" },
      "log-level": { value: "LEVEL", help: "debug, info, warn or error; replaces log.level" },
      "allow-shared-files": { help: SHARED_FILES_HELP },
    },
    notes: `SIGTERM, SIGINT and SIGQUIT drain: running requests end first. A second signal ends them now, and still
writes their rows; a third one ends the process at once.
SIGHUP, and any change of the file, reads the configuration again.`,
  },
  async ({ flags }, io) => {
    const { host, port, "data-dir": dataDir, "log-level": logLevel } = flags;
    const writer = logWriter(() => io.clock.nowMs());
    let config: Config | null = null;
    let app: App | null = null;
    // From the beginning: a signal that nobody listens to ends the process.
    io.onReload(() => void app?.reload());
    try {
      const sharedFiles = flags["allow-shared-files"] ? "warn" : "refuse";
      const { file, isNew } = await prepare(flags.config, sharedFiles, io);
      const steadyHash = makeSteadyHash();
      const flagsOfConfig = { host, port, dataDir, logLevel };
      const { env, cwd } = io;
      const options = {
        file,
        env,
        flags: flagsOfConfig,
        cwd,
        hashPassword: steadyHash,
        sharedFiles,
      } as const;
      const loaded = await loadConfig(options);
      config = loaded.config;
      // Of a file that was just made, the greeting says what is missing.
      if (loaded.warnings.length > 0 && !isNew) io.err(renderProblems(loaded.warnings));
      const processLog = logFor(config, io, writer);
      const { log } = processLog;
      const reload = async (): Promise<Config> => {
        const { config: changed, warnings } = await loadConfig(options);
        // A reader of standard error that has stopped must not stop the gateway.
        if (warnings.length > 0) {
          log.warn({ warnings: renderProblems(warnings) }, "the configuration was read with warnings");
        }
        return changed;
      };
      app = await startApp({
        config,
        reloadConfig: reload,
        configText: {
          check: (text) => loadConfig({ ...options, text }),
          draft: (text) => loadDraft({ ...options, text }),
        },
        version: VERSION,
        clock: io.clock,
        ids: io.ids,
        ...processLog,
        tellsAllRequests: config.log.requests ?? isTerminal(io),
        droppedLogLines: () => writer.droppedLines,
        memory: io.memory,
        ownCommand: io.ownCommand,
        pid: io.processes?.own,
      });
      io.out(greeting(app, config, await signInLine(app, config, io)));
      // On a terminal the greeting has said all of it.
      if (!isTerminal(io) || !io.isTty)
        log.info(
          { url: app.url, version: VERSION, config: config.file, dataDir: config.server.dataDir },
          "listening",
        );
      await io.stopped;
      return (await app.drain(io.hurried)) ? EXIT.ok : EXIT.interrupted;
    } catch (cause) {
      if (cause instanceof ConfigError) throw cause;
      io.err(`clewline: ${await startFailure(cause, config, io)}\n`);
      return EXIT.failed;
    } finally {
      writer.end(LOG_END_MS);
    }
  },
);

/**
 * Finds the file, or makes the first one; keeps the admin's password as a hash. Shows a new key and password,
 * once.
 */
async function prepare(
  named: string | undefined,
  sharedFiles: "refuse" | "warn",
  io: CliIo,
): Promise<{ readonly file: string; readonly isNew: boolean }> {
  const found = findConfigFile({ config: named }, io.env, io.cwd);
  if (found === null) {
    const made = await firstRun({ file: firstRunFile(io.env), ids: io.ids, hashPassword });
    // Before the start, which may fail: the key and the password are shown only now.
    io.out(`No configuration was found, so one was made: ${made.file}
  client key      ${made.clientKey}
  admin password  ${made.adminPassword}   (shown only now; the file keeps its hash)

`);
    return { file: made.file, isNew: true };
  }
  // Before the file is changed.
  if (sharedFiles === "refuse") refuseSharedFile(found, io.cwd);
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
  return { file: found, isNew: false };
}

/**
 * Where the admin is. On a terminal somebody reads the line now, and need not type a password; elsewhere it may stay in a
 * log, where a link would let others in.
 */
async function signInLine({ adminUrl }: App, { server }: Config, io: CliIo): Promise<string> {
  if (adminUrl === null) return "";
  if (!io.isTty)
    return `  admin                     ${adminUrl}   (clewline admin link makes a link that signs in once)\n`;
  try {
    const token = await writeStore(server.dataDir, io, (sql) => makeLink(new AdminAccessTable(sql), io));
    return `  admin                     ${adminUrl}#link=${token}\n                            (signs in once, in the next ten minutes)\n`;
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    return `  admin                     ${adminUrl}\n`;
  }
}

function greeting(app: App, config: Config, admin: string): string {
  const { url } = app;
  const upstreams = config.upstreams.map((upstream) => upstream.name).join(", ");
  return `Clewline ${VERSION} is listening.
  OpenAI Chat Completions   ${url}/v1           (POST /chat/completions)
  OpenAI Responses          ${url}/v1           (POST /responses)
  Anthropic Messages        ${url}              (POST /v1/messages)
  Gemini                    ${url}              (POST /v1beta/models/MODEL:generateContent)
  configuration             ${config.file ?? "none"}
  data                      ${config.server.dataDir}
  upstreams                 ${upstreams === "" ? `none yet: add one ${app.adminUrl === null ? "to the configuration" : "in the admin, or to the configuration"}` : upstreams}
${app.metricsUrl === null ? "" : `  metrics                   ${app.metricsUrl}\n`}${admin}`;
}

/** Standard error is one: only then there is a place for progress. */
function isTerminal({ progress }: CliIo): boolean {
  return progress !== undefined;
}

function logFor(config: Config, io: CliIo, writer: LogWriter): ProcessLog {
  const { level } = config.log;
  const nowMs = (): number => io.clock.nowMs();
  if (!isTerminal(io)) return makeLog(level, nowMs, writer);
  // https://no-color.org
  const hasColor = (io.env.NO_COLOR ?? "") === "" && io.env.TERM !== "dumb";
  return makeTerminalLog({ level, hasColor, nowMs }, writer);
}

/** `config`: null where it could not be read. */
async function startFailure(cause: unknown, config: Config | null, io: CliIo): Promise<string> {
  const error = cause as { code?: string; message?: string };
  if (config !== null && error.code === "EADDRINUSE") {
    // A gateway that serves needs no doctor in its memory.
    const { takenByGateway } = await import("./taken-port.ts");
    return (await takenByGateway(config, io)) ?? portTaken(config);
  }
  if (error.code === "EACCES") return "this port or folder is not allowed for this user; choose another one";
  return error.message ?? String(cause);
}

/** The gateway has up to three ports, and the system's error does not say which one it was. */
function portTaken({ server, metrics, admin }: Config): string {
  const others = [
    ...(metrics.enabled && metrics.port !== null ? [`metrics.port ${metrics.port}`] : []),
    ...(admin?.listen == null ? [] : [`admin.listen ${admin.listen}`]),
  ];
  const main = `port ${server.port} of ${server.host}`;
  if (others.length === 0)
    return `${main} is taken by another program; set server.port, or --port, to a free one`;
  return `${main}, or ${others.join(" or ")}, is taken by another program; set it to a free one`;
}
