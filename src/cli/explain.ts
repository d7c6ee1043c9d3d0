/** `clewline explain`: what would become of a request, without sending it. */
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { parseArgs } from "node:util";

import { findConfigFile } from "../config/file.ts";
import { loadConfig } from "../config/load.ts";
import { ConfigError, renderProblems } from "../config/problem.ts";
import { GatewayError } from "../core/errors.ts";
import { explainByConfig } from "../explain/explain-config.ts";
import type { CliIo, Command } from "./cli.ts";

const HELP = `clewline explain FILE: what would become of a request, without sending it

  FILE            the request's body as JSON, as a client would send it
  --path PATH     where it would be sent (default /v1/chat/completions); /v1/messages, /v1/responses,
                  /v1beta/models/MODEL:generateContent and the like say in which dialect the body is
  --config FILE   the configuration (else CLEWLINE_CONFIG, ./clewline.toml, the user's folder)
  --json          one JSON object on standard output
  --help          this text

Shows the targets in the order in which they would be tried, the exact request for each (credentials masked), and
what that target would not get. A running gateway also goes by the providers' model lists that it has read: ask it
by POST /v1/explain.

Exit code: 0 good, 1 the request would be refused, 2 wrong usage, 78 wrong configuration.
`;

const EXIT_REFUSED = 1;
const EXIT_USAGE = 2;
const EXIT_CONFIG = 78;

interface Flags {
  readonly file: string;
  readonly path: string;
  readonly config: string | undefined;
  readonly json: boolean;
}

export const explain: Command = async (args, io) => {
  const flags = readFlags(args, io);
  if (typeof flags === "number") return flags;
  let body: Uint8Array;
  try {
    body = await readFile(resolve(io.cwd, flags.file));
  } catch (error) {
    io.err(`clewline explain: ${flags.file} cannot be read: ${(error as Error).message}\n`);
    return EXIT_USAGE;
  }
  try {
    const { config } = await loadConfig({
      file: findConfigFile(flags, io.env, io.cwd),
      env: io.env,
      flags: {},
      cwd: io.cwd,
      hashPassword: async () => "",
    });
    const atMs = io.clock.nowMs();
    const explanation = await explainByConfig(config, {
      path: flags.path,
      body,
      id: io.ids.ulid(atMs),
      atMs,
    });
    io.out(flags.json ? `${JSON.stringify(explanation, null, 2)}\n` : text(explanation));
    return explanation.targets.some(({ mode }) => mode !== null) ? 0 : EXIT_REFUSED;
  } catch (error) {
    if (error instanceof ConfigError) {
      io.err(renderProblems(error.problems));
      return EXIT_CONFIG;
    }
    if (!(error instanceof GatewayError)) throw error;
    const where = error.param === undefined ? "" : ` (${error.param})`;
    io.err(`clewline explain: refused with ${error.kind}${where}: ${error.message}\n`);
    return EXIT_REFUSED;
  }
};

function readFlags(args: readonly string[], io: CliIo): Flags | number {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        path: { type: "string" },
        config: { type: "string" },
        json: { type: "boolean" },
        help: { type: "boolean", short: "h" },
      },
    });
    if (values.help === true) {
      io.out(HELP);
      return 0;
    }
    const [file, ...more] = positionals;
    if (file === undefined || more.length > 0) throw new Error("name one file that holds the request's body");
    return {
      file,
      path: values.path ?? "/v1/chat/completions",
      config: values.config,
      json: values.json === true,
    };
  } catch (error) {
    io.err(`clewline explain: ${(error as Error).message}\nSee clewline explain --help.\n`);
    return EXIT_USAGE;
  }
}

function text(explanation: Awaited<ReturnType<typeof explainByConfig>>): string {
  const lines = [`${explanation.model}, asked in ${explanation.dialect} (${explanation.endpoint})`];
  explanation.targets.forEach((target, i) => {
    const { mode, dialect, request, dropped = [], watched_stops: stops = [], error } = target;
    lines.push("", `${i + 1}. ${target.upstream}/${target.model}`);
    if (error !== undefined) {
      lines.push(`   not asked: ${error.message}${error.param === null ? "" : ` (${error.param})`}`);
      return;
    }
    if (mode === "count") {
      lines.push("   its tokens are counted here, and nobody is asked");
      return;
    }
    lines.push(mode === "relay" ? `   relayed as it is (${dialect})` : `   translated to ${dialect}`);
    for (const { field, reason } of dropped) lines.push(`   without ${field}: ${reason}`);
    if (stops.length > 0) lines.push(`   stop sequences watched here: ${JSON.stringify(stops)}`);
    if (request === undefined) return;
    lines.push("", `   ${request.method} ${request.url}`);
    for (const [name, value] of Object.entries(request.headers)) lines.push(`   ${name}: ${value}`);
    lines.push("", indent(JSON.stringify(request.body, null, 2)));
  });
  return `${lines.join("\n")}\n`;
}

function indent(block: string): string {
  return block.replaceAll(/^/gm, "   ");
}
