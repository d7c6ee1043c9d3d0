/**
 * Whole requests over a socket, good ones and spoiled ones, through a gateway in front of providers of every
 * kind.
 */
import { Buffer } from "node:buffer";
import { systemClock } from "../../src/core/clock.ts";
import { makeIds } from "../../src/core/ids.ts";
import { type Simulator, startSimulator } from "../../src/simulator/server/simulator.ts";
import { CLIENT_KEY, type Gateway, KEYS_TOML, startGateway, upstreamToml } from "../kit/gateway.ts";
import { describe } from "./decoders-run.ts";
import type { Findings } from "./findings.ts";
import { type GatewayCase, GatewayCaseMaker, SPOILING_COPIES } from "./gateway-cases.ts";
import { makeSeeds } from "./seeds.ts";
import { startSpoilingUpstream } from "./spoiling-upstream.ts";

const MB = 2 ** 20;
const AT_ONCE = 4;
const REPLY_LIMIT_MS = 120_000;
const WARM_UP_SHARE = 0.3;
const GROWTH_LIMIT_MB = 150;
/** A client that leaves does so within this time. */
const LEAVE_WITHIN_MS = 20;

export interface GatewayResult {
  readonly counts: Readonly<Record<string, number>>;
  readonly rssMb: { readonly warm: number; readonly end: number };
}

function toml(simulatorUrl: string, spoilingUrl: string): string {
  const kinds = [
    ["anthropic-messages", "anthropic", ""],
    ["gemini", "gemini", ""],
    ["openai-responses", "openai", 'dialects = ["openai-responses"]'],
    ["openai-chat", "openai", 'dialects = ["openai-chat"]'],
  ] as const;
  const one = (name: string, family: (typeof kinds)[number][1], url: string, lines: string): string =>
    upstreamToml(name, family, family === "openai" ? `${url}/v1` : url, { lines });
  const spoiling = Array.from({ length: SPOILING_COPIES }, (_, copy) => copy);
  return [
    KEYS_TOML,
    ...kinds.flatMap(([dialect, family, lines]) => [
      one(dialect, family, simulatorUrl, lines),
      ...spoiling.map((copy) => one(`spoiling-${copy}-${dialect}`, family, spoilingUrl, lines)),
    ]),
  ].join("\n");
}

/** Asks until `untilMs`, the time since 1970. */
export async function fuzzGateway(
  seed: number,
  untilMs: number,
  findings: Findings,
  progress: (line: string) => void,
): Promise<GatewayResult> {
  const maker = new GatewayCaseMaker(seed, await makeSeeds(seed));
  const simulator: Simulator = await startSimulator({ clock: systemClock, ids: makeIds() });
  const spoiling = await startSpoilingUpstream(seed, simulator.url);
  const gateway = await startGateway({ toml: toml(simulator.url, spoiling.url) });
  try {
    return await new GatewayRun(gateway, maker, seed, untilMs, findings, progress).run();
  } finally {
    await gateway.close().catch((error: unknown) => findings.add(String(error), { seed }));
    await spoiling.close();
    await simulator.close();
  }
}

class GatewayRun {
  #next = 0;
  #isOver = false;
  readonly #statuses: Record<string, number> = {};
  /** The numbers of the cases that must have a row, by the ids of their requests. */
  readonly #billed = new Map<string, number>();
  readonly #gateway: Gateway;
  readonly #maker: GatewayCaseMaker;
  readonly #seed: number;
  readonly #untilMs: number;
  readonly #findings: Findings;
  readonly #progress: (line: string) => void;

  constructor(
    gateway: Gateway,
    maker: GatewayCaseMaker,
    seed: number,
    untilMs: number,
    findings: Findings,
    progress: (line: string) => void,
  ) {
    this.#gateway = gateway;
    this.#maker = maker;
    this.#seed = seed;
    this.#untilMs = untilMs;
    this.#findings = findings;
    this.#progress = progress;
  }

  async run(): Promise<GatewayResult> {
    void this.#gateway.exited.then((code) => {
      if (!this.#isOver)
        this.#found(`the gateway ended with ${code}:\n${this.#gateway.log().slice(-2_000)}`, this.#next);
    });
    const startMs = Date.now();
    const warmMs = startMs + (this.#untilMs - startMs) * WARM_UP_SHARE;
    let warm: number | null = null;
    const ask = async (): Promise<void> => {
      while (Date.now() < this.#untilMs) {
        await this.#ask(this.#next++);
        if (warm === null && Date.now() > warmMs) warm = this.#rssMb();
        this.#progress(`gateway   ${describe(this.#statuses)}  rss ${this.#rssMb()} MB`);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, ask));
    const end = this.#rssMb();
    const rssMb = { warm: warm ?? end, end };
    if (end - rssMb.warm > GROWTH_LIMIT_MB)
      this.#found(`the gateway's memory grew from ${rssMb.warm} MB to ${end} MB`, this.#next);
    await this.#checkBooks();
    this.#checkLog();
    this.#isOver = true;
    return { counts: this.#statuses, rssMb };
  }

  #rssMb(): number {
    try {
      return Math.round(this.#gateway.rssBytes() / MB);
    } catch {
      return 0;
    }
  }

  #found(what: string, number: number, more: object = {}): void {
    const { path, body } = this.#maker.make(number);
    const sent = Buffer.from(body).toString("base64");
    this.#findings.add(what, { seed: this.#seed, number, path, bodyBase64: sent, ...more });
  }

  async #ask(number: number): Promise<void> {
    const wanted = this.#maker.make(number);
    const leaving = new AbortController();
    const timer = wanted.leaves ? setTimeout(() => leaving.abort(), number % LEAVE_WITHIN_MS) : null;
    try {
      const response = await fetch(`${this.#gateway.url}${wanted.path}`, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          "x-api-key": CLIENT_KEY,
          "anthropic-version": "2023-06-01",
        },
        body: wanted.body,
        signal: AbortSignal.any([leaving.signal, AbortSignal.timeout(REPLY_LIMIT_MS)]),
      });
      this.#count(`${wanted.kind} ${response.status}`);
      const id = response.headers.get("x-request-id");
      if (wanted.isBilled && id === null) this.#found("a reply has no id", number);
      if (wanted.isBilled && id !== null) this.#billed.set(id, number);
      this.#check(wanted, response, await response.text(), number);
    } catch (error) {
      if (leaving.signal.aborted) this.#count("left");
      else if (error instanceof DOMException && error.name === "TimeoutError")
        this.#found(`no whole reply within ${REPLY_LIMIT_MS} ms`, number);
      // A reply that has begun is cut when the upstream's reply was cut: there is no other way to report the
      // failure.
      else if (wanted.kind === "reply") this.#count("cut");
      else this.#found(`a good provider's reply was cut: ${error}`, number);
    } finally {
      if (timer !== null) clearTimeout(timer);
    }
  }

  #check(wanted: GatewayCase, response: Response, text: string, number: number): void {
    const type = response.headers.get("content-type") ?? "";
    if (text.includes("an internal error")) this.#found(`an internal error: ${text.slice(0, 300)}`, number);
    if (!type.includes("json") || wanted.isRelayed) return;
    try {
      JSON.parse(text);
    } catch {
      this.#found(`a reply with status ${response.status} is no JSON: ${text.slice(0, 300)}`, number);
    }
  }

  #count(what: string): void {
    this.#statuses[what] = (this.#statuses[what] ?? 0) + 1;
  }

  /** Every request that was accepted has one row. */
  async #checkBooks(): Promise<void> {
    await Bun.sleep(2_000);
    const rows = new Map<string, number>();
    for (const { request_id, error_kind } of await this.#gateway.rows()) {
      rows.set(request_id, (rows.get(request_id) ?? 0) + 1);
      if (error_kind === "internal")
        this.#found(`a row tells of an internal error: ${request_id}`, this.#billed.get(request_id) ?? -1);
    }
    for (const [id, number] of this.#billed)
      if (rows.get(id) !== 1) this.#found(`a request has ${rows.get(id) ?? 0} rows`, number, { id });
    this.#statuses.rows = rows.size;
  }

  #checkLog(): void {
    for (const line of this.#gateway.log().split("\n")) {
      if (!line.includes("exception")) continue;
      const { requestId = "", error = line } = JSON.parse(line) as { requestId?: string; error?: string };
      this.#found(`an exception: ${error}`, this.#billed.get(requestId) ?? -1, { requestId });
    }
  }
}
