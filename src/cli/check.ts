/** `clewline check`: is the configuration right, and if not, what to repair. */
import { parseArgs } from "node:util";
import type { Config } from "../config/config.ts";
import { findConfigFile } from "../config/file.ts";
import { firstRunFile } from "../config/first-run.ts";
import { loadConfig } from "../config/load.ts";
import { ConfigError, type Problem, renderProblems } from "../config/problem.ts";
import type { CliIo, Command } from "./cli.ts";

const HELP = `clewline check: validates the configuration and says what it holds

  --config FILE   the file (else CLEWLINE_CONFIG, ./clewline.toml, the user's folder)
  --json          one JSON object on standard output
  --help          this text

Exit code: 0 good (warnings included), 2 wrong usage, 78 wrong configuration.
`;

const EXIT_USAGE = 2;
const EXIT_CONFIG = 78;

export const check: Command = async (args, io) => {
  const flags = readFlags(args, io);
  if (typeof flags === "number") return flags;
  try {
    const file = findConfigFile(flags, io.env, io.cwd);
    const { config, warnings } = await loadConfig({
      file,
      env: io.env,
      flags: {},
      cwd: io.cwd,
      // Nobody signs in here, so no time is spent on a real hash.
      hashPassword: async () => "",
    });
    if (flags.json) io.out(toJson({ ok: true, ...summary(config), problems: [], warnings }));
    else io.out(`${warningText(warnings)}${goodText(config, io)}`);
    return 0;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    if (flags.json) io.out(toJson({ ok: false, problems: error.problems, warnings: [] }));
    else io.err(`${renderProblems(error.problems)}${count(error.problems.length, "problem")}\n`);
    return EXIT_CONFIG;
  }
};

function readFlags(
  args: readonly string[],
  io: CliIo,
): { config: string | undefined; json: boolean } | number {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        config: { type: "string" },
        json: { type: "boolean" },
        help: { type: "boolean", short: "h" },
      },
    });
    if (values.help === true) {
      io.out(HELP);
      return 0;
    }
    return { config: values.config, json: values.json === true };
  } catch (error) {
    io.err(`clewline check: ${(error as Error).message}\nSee clewline check --help.\n`);
    return EXIT_USAGE;
  }
}

function summary(config: Config) {
  return {
    file: config.file,
    upstreams: config.upstreams.length,
    credentials: config.upstreams.reduce((sum, upstream) => sum + upstream.credentials.length, 0),
    keys: config.keys.length,
    models: config.models.length,
  };
}

function goodText(config: Config, io: CliIo): string {
  const { file, upstreams, credentials, keys, models } = summary(config);
  const counts = [
    count(upstreams, "upstream"),
    count(credentials, "credential"),
    count(keys, "key"),
    count(models, "model"),
  ].join(", ");
  if (file === null) return `ok: there is no file; the first start makes ${firstRunFile(io.env)}\n`;
  return `ok: ${file}: ${counts}\n`;
}

function warningText(warnings: readonly Problem[]): string {
  return warnings.map((warning) => `warning: ${renderProblems([warning])}`).join("");
}

function count(amount: number, noun: string): string {
  return `${amount} ${noun}${amount === 1 ? "" : "s"}`;
}

function toJson(value: object): string {
  return `${JSON.stringify(value)}\n`;
}
