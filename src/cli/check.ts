/** `clewline check`: validates the configuration and reports every problem with its repair. */
import { joinKeys } from "../auth/join-keys.ts";
import { dataDirOfBroken } from "../config/change/broken-data-dir.ts";
import type { Config } from "../config/config.ts";
import { findConfigFile } from "../config/file.ts";
import { firstRunFile } from "../config/first-run/first-run.ts";
import { loadConfig } from "../config/load.ts";
import { ConfigError, type Problem, renderProblems } from "../config/problem.ts";
import type { Finding } from "../doctor/finding.ts";
import { StoreError } from "../store/sql.ts";
import { type CliIo, EXIT } from "./cli.ts";
import { exitCodeOf, makeCommand, SHARED_FILES_HELP } from "./command.ts";
import { countOf, findingsText, lookAtUpstreams } from "./findings.ts";
import { storedKeysIn } from "./keys/stored-keys.ts";
import { refusedText, runningIn } from "./running.ts";
import { toJsonLine } from "./table.ts";

export const check = makeCommand(
  {
    name: "check",
    usage: ["[--config FILE] [--live] [--allow-shared-files] [--json]"],
    about: "Validates the configuration and says what it contains.",
    flags: {
      config: { value: "FILE", help: "the file (else CLEWLINE_CONFIG, ./clewline.toml, the user's folder)" },
      "allow-shared-files": { help: SHARED_FILES_HELP },
      live: { help: "also look at each upstream: its name, the way to it, its keys and its list of models" },
      json: { help: "one JSON object on standard output" },
    },
    notes:
      "With --live no model is asked, so it costs nothing. Exit code: 0 good (warnings included), 1 others can change the files, or an upstream has a problem, 2 wrong usage, 78 wrong configuration.",
  },
  async ({ flags }, io) => {
    const file = findConfigFile(flags, io.env, io.cwd);
    try {
      const { config, warnings } = await loadConfig({
        file,
        env: io.env,
        flags: {},
        cwd: io.cwd,
        // Nobody signs in here, so no time is spent on a real hash.
        hashPassword: async () => "",
        sharedFiles: flags["allow-shared-files"] ? "warn" : "refuse",
      });
      const all = [...warnings, ...keyWarnings(config, io)];
      const findings = flags.live ? await lookAtUpstreams(config, io) : [];
      const isGood = countOf(findings, "problem") === 0;
      const live = flags.live ? { findings } : {};
      const running = runningIn(config.server.dataDir, io);
      const refused = running?.refused ?? [];
      if (flags.json)
        io.out(toJsonLine({ ok: isGood, ...summary(config), problems: [], warnings: all, refused, ...live }));
      else
        io.out(
          `${warningText(all)}${goodText(config, io)}${refusedText(running)}${flags.live ? liveText(config, findings) : ""}`,
        );
      return isGood ? EXIT.ok : EXIT.failed;
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      if (flags.json) io.out(toJsonLine({ ok: false, problems: error.problems, warnings: [] }));
      else {
        io.err(`${renderProblems(error.problems)}${count(error.problems.length, "problem")}\n`);
        const running = runningIn(await dataDirOfBroken({ file, env: io.env, cwd: io.cwd }), io);
        if (running !== null && running.refused.length > 0)
          io.err(
            `The running gateway (process ${running.pid}) serves on with the configuration before this one.\n`,
          );
      }
      return exitCodeOf(error);
    }
  },
);

function liveText({ upstreams, file }: Config, findings: readonly Finding[]): string {
  if (upstreams.length > 0) return `\n${findingsText(findings)}`;
  return `There is no upstream to look at: add one in the admin ("clewline admin link" prints its address), or [[upstreams]] to ${file ?? "the file"}.\n`;
}

/** Keys of the file that have expired, and keys of the database that do not count. */
function keyWarnings(config: Config, io: CliIo): readonly Problem[] {
  const nowMs = io.clock.nowMs();
  const warn = (key: string, message: string, repair: string): Problem => ({
    file: null,
    line: null,
    column: null,
    key,
    value: null,
    message,
    repair,
  });
  const expired = config.keys.flatMap(({ expiresAtMs }, i) =>
    expiresAtMs === null || nowMs < expiresAtMs
      ? []
      : [
          warn(
            `keys[${i}].expires`,
            "has passed, so the key is refused",
            "write a later time, or remove the entry",
          ),
        ],
  );
  return [...expired, ...storedKeyWarnings(config, warn)];
}

function storedKeyWarnings(
  config: Config,
  warn: (key: string, message: string, repair: string) => Problem,
): readonly Problem[] {
  try {
    const { faults } = joinKeys(config, storedKeysIn(config.server.dataDir));
    return faults.map(({ name, message, repair }) =>
      warn(`the key "${name}" in the database`, message, repair),
    );
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    return [warn("the keys in the database", `cannot be read: ${error.message}`, "")];
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
