/**
 * The gateway as a process in front of a simulated provider of each kind, with the requests on both sides. With
 * `CLEWLINE_TEST_CLOUD=vertex`, Claude and Gemini are on Vertex AI.
 */
import { systemClock } from "../../src/core/clock.ts";
import { makeIds } from "../../src/core/ids.ts";
import { type Simulator, startSimulator } from "../../src/simulator/server/simulator.ts";
import {
  CLIENT_KEY,
  type Gateway,
  KEYS_TOML,
  OPENAI_AT_LOCALHOST,
  openaiUrl,
  startGateway,
  upstreamToml,
} from "../kit/gateway.ts";
import { isForToken, vertexToml } from "../kit/vertex.ts";
import type { DialectName, UpstreamKind, WireRequest } from "./conversation.ts";

/** The model of each provider; `~WORDS` after it are orders to the simulated model. */
export const MODELS: Readonly<Record<UpstreamKind, string>> = {
  anthropic: "claude-opus-4-8",
  gemini: "gemini-3-flash",
  openai: "gpt-5.4",
  compat: "house-1",
};

/** The dialect that each provider speaks. */
export const SPOKEN: Readonly<Record<UpstreamKind, DialectName>> = {
  anthropic: "anthropic-messages",
  gemini: "gemini",
  openai: "openai-responses",
  compat: "openai-chat",
};

/** The operator says which dialect a compatible server speaks. */
const TRAITS =
  '[[traits]]\nmatch = "house-1*"\npdf = true\nthinking = "effort"\nefforts = ["low", "medium", "high"]\n';

/** A credential for this test alone: a limit that one test meets does not reach the others. */
const BY_MODEL = 'scope = "model"';

/** Claude and Gemini are on Vertex AI. */
export const IS_ON_VERTEX = process.env.CLEWLINE_TEST_CLOUD === "vertex";

/** One request that reached a provider. */
export interface Sent {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The gateway's requests to the provider for it, in order. */
  readonly sent: readonly Sent[];
}

export interface Stage extends Pick<Gateway, "rows"> {
  ask(request: WireRequest): Promise<Answer>;
  /** The provider's own answer to the gateway's request. */
  askProvider(sent: Sent): Promise<string>;
  close(): Promise<void>;
}

export async function openStage(more = ""): Promise<Stage> {
  const simulator = await startSimulator({ clock: systemClock, ids: makeIds() });
  const toml = [
    KEYS_TOML,
    ...(IS_ON_VERTEX
      ? [vertexToml("anthropic", simulator), vertexToml("gemini", simulator)]
      : [
          upstreamToml("anthropic", "anthropic", simulator.url),
          upstreamToml("gemini", "gemini", simulator.url),
        ]),
    upstreamToml("openai", "openai", openaiUrl(simulator.url), { lines: 'dialects = ["openai-responses"]' }),
    BY_MODEL,
    upstreamToml("compat", "openai", `${simulator.url}/v1`, { lines: 'dialects = ["openai-chat"]' }),
    BY_MODEL,
    TRAITS,
    more,
  ].join("\n");
  let gateway: Gateway;
  try {
    gateway = await startGateway({ toml, preloads: [OPENAI_AT_LOCALHOST] });
  } catch (error) {
    await simulator.close();
    throw error;
  }
  return {
    rows: gateway.rows,
    async ask({ path, headers, body }) {
      const before = simulator.requests().at(-1)?.n ?? 0;
      const response = await fetch(gateway.url + path, {
        method: "POST",
        headers: { authorization: `Bearer ${CLIENT_KEY}`, "content-type": "application/json", ...headers },
        body: JSON.stringify(body),
      });
      const text = await response.text();
      return { status: response.status, headers: response.headers, text, sent: sentSince(simulator, before) };
    },
    async askProvider({ path, headers, body }) {
      const response = await fetch(simulator.url + path, { method: "POST", headers, body });
      return await response.text();
    },
    async close() {
      try {
        await gateway.close();
      } finally {
        await simulator.close();
      }
    },
  };
}

/** Of the connection, not of the request. */
const HOP = new Set(["host", "connection", "content-length", "accept-encoding", "transfer-encoding"]);

function sentSince(simulator: Simulator, n: number): Sent[] {
  const toModels = simulator.requests(n).filter(({ path }) => !isForToken(path));
  return toModels.map(({ path, headers, bodyBase64, bodyBytes }) => {
    const body = Buffer.from(bodyBase64, "base64");
    if (body.byteLength !== bodyBytes) throw new Error("the simulator kept a part of the request only");
    return {
      path,
      headers: Object.fromEntries(headers.filter(([name]) => !HOP.has(name.toLowerCase()))),
      body: body.toString("utf8"),
    };
  });
}
