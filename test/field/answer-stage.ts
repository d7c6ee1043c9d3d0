/** A gateway between clients of all dialects and servers of Chat, Messages and Gemini that answer as a test says. */
import { type Gateway, KEYS_TOML, type LedgerLine, startGateway, upstreamToml } from "../kit/gateway.ts";
import { request } from "../kit/raw-client.ts";
import {
  type Arrived,
  type RawUpstream,
  sendStream,
  sendWhole,
  startRawUpstream,
} from "../kit/raw-upstream.ts";
import { laxChat } from "../matrix/clients/lax-chat.ts";
import {
  type Ask,
  type Client,
  type DialectName,
  type Json,
  type Told,
  user,
} from "../matrix/conversation.ts";
import { CLIENTS } from "../matrix/matrix.ts";

export const CLIENT_DIALECTS = Object.keys(CLIENTS) as readonly DialectName[];

/** An answer of the server, whole and as a stream's pieces. */
export interface Spoken {
  readonly whole: object;
  readonly pieces: readonly string[];
}

export interface Heard {
  readonly status: number;
  readonly text: string;
  /** null: the reply is an error. */
  readonly told: Told | null;
  readonly row: LedgerLine & Readonly<Record<string, unknown>>;
  /** How often the server was asked. */
  readonly asked: number;
}

/** By the dialects that they speak; `house`: Chat. */
export type StageUpstream = "house" | "messages" | "gemini";

export interface AnswerStage {
  readonly upstream: RawUpstream;
  readonly gateway: Gateway;
  /** Asks for this answer. */
  hear(dialect: DialectName, isStream: boolean, spoken: Spoken, upstream?: StageUpstream): Promise<Heard>;
  close(): Promise<void>;
}

const OWN: Readonly<Record<StageUpstream, DialectName>> = {
  house: "openai-chat",
  messages: "anthropic-messages",
  gemini: "gemini",
};

const SCHEMA = { type: "object", properties: { path: { type: "string" } } };
const TOOLS = ["read", "list"].map((name) => ({ name, description: "Reads.", schema: SCHEMA }));

/** A chunk of a stream; `more` stands beside the choices. */
export function chunkOf(delta: object, finish_reason: unknown = null, more: object = {}): string {
  const choices = [{ index: 0, delta, finish_reason }];
  return `data: ${JSON.stringify({ id: "chatcmpl-1", object: "chat.completion.chunk", created: 1, model: "m", choices, ...more })}\n\n`;
}

/** A chunk without choices. */
export function lastChunk(more: object): string {
  return `data: ${JSON.stringify({ id: "chatcmpl-1", object: "chat.completion.chunk", created: 1, model: "m", choices: [], ...more })}\n\n`;
}

export const DONE = "data: [DONE]\n\n";

export function completionOf(message: object, finish_reason: unknown, more: object = {}): Json {
  const choices = [{ index: 0, message: { role: "assistant", ...message }, finish_reason }];
  return { id: "chatcmpl-1", object: "chat.completion", created: 1, model: "m", choices, ...more };
}

/** Each call of `hear` asks an upstream model of its own, so that none learns from another. */
export async function startAnswerStage(server: string | null = null): Promise<AnswerStage> {
  let spoken: Spoken = { whole: {}, pieces: [] };
  let count = 0;
  const answer = async (arrived: Arrived): Promise<void> => {
    if (/"stream":true|:streamGenerate/.test(arrived.target + arrived.body.toString()))
      await sendStream(arrived, spoken.pieces);
    else await sendWhole(arrived, JSON.stringify(spoken.whole));
  };
  const upstream = await startRawUpstream(answer, { lists: "apart" });
  const named = server === null ? "" : `\nserver = "${server}"`;
  const gateway = await startGateway({
    toml: [
      KEYS_TOML,
      upstreamToml("house", "openai", `${upstream.url}/v1`, { lines: `dialects = ["openai-chat"]${named}` }),
      upstreamToml("messages", "anthropic", upstream.url),
      upstreamToml("gemini", "gemini", upstream.url),
    ].join("\n"),
  });
  return {
    upstream,
    gateway,
    async hear(dialect, isStream, next, asked = "house") {
      spoken = next;
      upstream.forget();
      const client: Client = dialect === "openai-chat" ? laxChat : CLIENTS[dialect];
      const ask: Ask = { turns: [user("What is there?")], tools: TOOLS, thinks: true };
      const { path, headers, body } = client.write(ask, `${asked}/house-${++count}`, isStream);
      const reply = await request(gateway.port, path, { headers, body: JSON.stringify(body) });
      const text = reply.body.toString();
      const id = reply.headers.get("x-request-id") ?? reply.headers.get("request-id");
      const row = (await gateway.row(id)) as Heard["row"];
      // What is relayed is not held to the book.
      const isGood = reply.status === 200 && dialect !== OWN[asked] && dialect !== "openai-chat";
      const told = !isGood ? null : isStream ? client.readStream(text) : client.readWhole(JSON.parse(text));
      return { status: reply.status, text, told, row, asked: upstream.seen.length };
    },
    async close() {
      await gateway.close();
      await upstream.close();
    },
  };
}
