/** `clewline explain`: shows how a request would be served, without sending it. */
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { findConfigFile } from "../config/file.ts";
import { loadConfig } from "../config/load.ts";
import { GatewayError } from "../core/errors.ts";
import { explainByConfig } from "../explain/explain-config.ts";
import { loadPrices } from "../prices/price-files.ts";
import { EXIT } from "./cli.ts";
import { makeCommand, UsageError } from "./command.ts";

export const explain = makeCommand(
  {
    name: "explain",
    usage: ["FILE [--path PATH] [--config FILE] [--json]"],
    about: `Shows how a request would be served, without sending it: the targets in the order in which they would be tried, the
exact request for each (credentials masked), and the parts that each target would not get. A running gateway also
uses the model lists of the providers, which it has read: ask it by POST /v1/explain.`,
    positionals: { FILE: "the request's body as JSON, as a client would send it" },
    flags: {
      path: {
        value: "PATH",
        help: `the path of the request, which decides the dialect of the body: /v1/messages, /v1/responses,
/v1beta/models/MODEL:generateContent and the like (default /v1/chat/completions)`,
      },
      config: {
        value: "FILE",
        help: "the configuration (else CLEWLINE_CONFIG, ./clewline.toml, the user's folder)",
      },
      json: { help: "one JSON object on standard output" },
    },
    notes: "Exit code: 0 good, 1 the request would be refused, 2 wrong usage, 78 wrong configuration.",
  },
  async ({ flags, positionals }, io) => {
    const [file, ...more] = positionals;
    if (file === undefined || more.length > 0)
      throw new UsageError("name one file that contains the request's body");
    let body: Uint8Array;
    try {
      body = await readFile(resolve(io.cwd, file));
    } catch (error) {
      io.err(`clewline explain: ${file} cannot be read: ${(error as Error).message}\n`);
      return EXIT.usage;
    }
    const { config } = await loadConfig({
      file: findConfigFile(flags, io.env, io.cwd),
      env: io.env,
      flags: {},
      cwd: io.cwd,
      hashPassword: async () => "",
      // Whether a gateway may start with them is its own affair.
      sharedFiles: "ignore",
    });
    try {
      const atMs = io.clock.nowMs();
      const asked = { path: flags.path ?? "/v1/chat/completions", body, id: io.ids.ulid(atMs), atMs };
      const { list } = await loadPrices(config.server.dataDir);
      const explanation = await explainByConfig(config, { prices: list }, asked);
      io.out(flags.json ? `${JSON.stringify(explanation, null, 2)}\n` : text(explanation));
      return explanation.targets.some(({ mode }) => mode !== null) ? EXIT.ok : EXIT.failed;
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      const where = error.param === undefined ? "" : ` (${error.param})`;
      io.err(`clewline explain: refused with ${error.kind}${where}: ${error.message}\n`);
      return EXIT.failed;
    }
  },
);

type Explanation = Awaited<ReturnType<typeof explainByConfig>>;
type Explained = Explanation["targets"][number];

function text(explanation: Explanation): string {
  const lines = [`${explanation.model}, asked in ${explanation.dialect} (${explanation.endpoint})`];
  if (explanation.order !== "given") lines.push(`targets ordered: ${explanation.order}`);
  const addTargets = (targets: readonly Explained[]): void =>
    targets.forEach((target, i) => {
      lines.push("", ...targetLines(target, i + 1));
    });
  addTargets(explanation.targets);
  const { on_overflow: onOverflow, on_refusal: onRefusal } = explanation;
  if (onOverflow !== undefined) lines.push("", "if the prompt is too long:");
  addTargets(onOverflow ?? []);
  if (onRefusal !== undefined) lines.push("", "if the content is refused:");
  addTargets(onRefusal ?? []);
  return `${lines.join("\n")}\n`;
}

function targetLines(target: Explained, n: number): readonly string[] {
  const lines: string[] = [];
  const { mode, dialect, request, dropped = [], watched_stops: stops = [], error } = target;
  lines.push(`${n}. ${target.upstream}/${target.model}${reasonText(target.ordered_by)}`);
  if (target.overflow !== undefined) {
    const { least_input_tokens: least, context_tokens: context } = target.overflow;
    lines.push(`   passed over: the prompt has ${least} tokens or more, and the model reads ${context}`);
  }
  if (error !== undefined) {
    lines.push(`   not asked: ${error.message}${error.param === null ? "" : ` (${error.param})`}`);
    return lines;
  }
  if (mode === "count") {
    lines.push("   its tokens are counted here, without a request");
    return lines;
  }
  lines.push(mode === "relay" ? `   relayed as it is (${dialect})` : `   translated to ${dialect}`);
  for (const { field, reason } of dropped) lines.push(`   without ${field}: ${reason}`);
  if (stops.length > 0) lines.push(`   stop sequences watched here: ${JSON.stringify(stops)}`);
  if (request === undefined) return lines;
  lines.push("", `   ${request.method} ${request.url}`);
  for (const [name, value] of Object.entries(request.headers)) lines.push(`   ${name}: ${value}`);
  lines.push("", indent(JSON.stringify(request.body, null, 2)));
  return lines;
}

/** As in ` (weight 3)`; empty: the order is the given one. */
function reasonText(by: Explained["ordered_by"]): string {
  if (by === undefined) return "";
  const { weight, in_flight: inFlight, first_byte_ms: firstByteMs, most_cost_usd: mostUsd } = by;
  const reasons = [
    weight === undefined ? [] : [`weight ${weight}`],
    inFlight === undefined ? [] : [`${inFlight} running`],
    firstByteMs === undefined
      ? []
      : [firstByteMs === null ? "not tried yet" : `${firstByteMs} ms to the first byte`],
    mostUsd === undefined ? [] : [mostUsd === null ? "no price" : `at most ${mostUsd} dollars`],
  ];
  return ` (${reasons.flat().join(", ")})`;
}

function indent(block: string): string {
  return block.replaceAll(/^/gm, "   ");
}
