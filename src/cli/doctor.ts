/** `clewline doctor`: looks at all that the gateway needs, from the configuration to each upstream's key. */
import { dataDirOfBroken } from "../config/change/broken-data-dir.ts";
import type { Config } from "../config/config.ts";
import { findConfigFile } from "../config/file.ts";
import { loadConfig } from "../config/load.ts";
import { ConfigError, type Problem } from "../config/problem.ts";
import { suggest } from "../core/nearest.ts";
import { type Finding, problem, warning } from "../doctor/finding.ts";
import { type CliIo, EXIT } from "./cli.ts";
import { makeCommand, UsageError } from "./command.ts";
import { countOf, findingsText, lookAtAll } from "./findings.ts";
import { type Refused, runningIn } from "./running.ts";
import { toJsonLine } from "./table.ts";

export const doctor = makeCommand(
  {
    name: "doctor",
    usage: ["[--config FILE] [--upstream NAME] [--json]"],
    about:
      "Looks at all that the gateway needs: the configuration and its files, the data folder and its disk, the ports, the clock, and for each upstream its name, the way to it, its certificate, its keys and its list of models. Nothing is changed, and no model is asked.",
    flags: {
      config: { value: "FILE", help: "the file (else CLEWLINE_CONFIG, ./clewline.toml, the user's folder)" },
      upstream: { value: "NAME", help: "this upstream alone" },
      json: { help: "one JSON object on standard output" },
    },
    notes:
      "Exit code: 0 there is no problem (warnings included), 1 there are some, 2 wrong usage, 78 wrong configuration.",
  },
  async ({ flags }, io) => {
    const file = findConfigFile(flags, io.env, io.cwd);
    let loaded: { readonly config: Config; readonly warnings: readonly Problem[] };
    try {
      loaded = await loadConfig({
        file,
        env: io.env,
        flags: {},
        cwd: io.cwd,
        // Nobody signs in here, so no time is spent on a real hash.
        hashPassword: async () => "",
        // What doctor finds of them is more than a line.
        sharedFiles: "ignore",
      });
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      const running = runningIn(await dataDirOfBroken({ file, env: io.env, cwd: io.cwd }), io);
      const servesOn =
        running === null
          ? []
          : [
              warning(
                "configuration",
                "",
                `the running gateway (process ${running.pid}) serves on with the configuration before this one`,
                "repair the file: a good one is taken over at once",
              ),
            ];
      show([...error.problems.map(findingOf), ...servesOn], flags.json, io);
      return EXIT.config;
    }
    const { config, warnings } = loaded;
    const upstream = flags.upstream ?? null;
    const names = config.upstreams.map(({ name }) => name);
    if (upstream !== null && !names.includes(upstream)) {
      const repair = suggest(upstream, names, `upstreams: ${names.join(", ")}`);
      throw new UsageError(`--upstream ${upstream} is not in the configuration; ${repair}`);
    }
    const refused = (runningIn(config.server.dataDir, io)?.refused ?? []).map(refusalOf);
    const findings = [...refused, ...(await lookAtAll(config, warnings, upstream, io))];
    show(findings, flags.json, io);
    return countOf(findings, "problem") > 0 ? EXIT.failed : EXIT.ok;
  },
);

/** The file is good by itself, and the gateway that runs has not taken it over. */
function refusalOf({ file, line, key, message, repair }: Refused): Finding {
  const place = line === null ? key : `${file}:${line} ${key}`;
  return problem(
    "configuration",
    place,
    `the running gateway has refused the changed file, and serves on with the one before: ${message}`,
    repair,
  );
}

function findingOf({ file, line, key, message, repair }: Problem): Finding {
  const place = line === null ? key : `${file}:${line} ${key}`;
  return problem("configuration", place, message, repair);
}

function show(findings: readonly Finding[], isJson: boolean, io: CliIo): void {
  const [problems, warnings] = [countOf(findings, "problem"), countOf(findings, "warning")];
  io.out(isJson ? toJsonLine({ ok: problems === 0, problems, warnings, findings }) : findingsText(findings));
}
