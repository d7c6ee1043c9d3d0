/** A gateway between clients of all dialects and an upstream that shows the bodies that reach it. */
import { asking, type Frame, readTold, type Told, translatedToml, UPSTREAMS } from "../flow/translated.ts";
import { type Gateway, startGateway } from "../kit/gateway.ts";
import { type RawReply, request } from "../kit/raw-client.ts";
import { CHAT, type DialectName, GEMINI, MESSAGES, RESPONSES, type Recording } from "../kit/recordings.ts";
import { type PickyUpstream, startPickyUpstream } from "./picky-upstream.ts";

export const DIALECTS: readonly DialectName[] = [
  "openai-chat",
  "openai-responses",
  "anthropic-messages",
  "gemini",
];

const CLIENTS: Readonly<Record<DialectName, Recording>> = {
  "openai-chat": CHAT,
  "openai-responses": RESPONSES,
  "anthropic-messages": MESSAGES,
  gemini: GEMINI,
};

export interface Question {
  readonly client: DialectName;
  readonly upstream: DialectName;
  /** Instead of the upstream's usual model; without the upstream's name. */
  readonly model?: string;
  readonly isStream?: boolean;
  readonly headers?: Readonly<Record<string, string>>;
  /** Members beside those of the recorded request, or in their place; undefined removes one. */
  readonly body: object;
}

export interface Answer {
  readonly status: number;
  readonly headers: RawReply["headers"];
  readonly text: string;
  /** The fields that were left out, as the client is told. */
  readonly dropped: string;
  /** The answer as an SDK reads it. */
  told(): Told;
}

export interface TranslationStage {
  readonly upstream: PickyUpstream;
  readonly gateway: Gateway;
  /** Forgets what the upstream saw, and asks. */
  ask(question: Question): Promise<Answer>;
  /** The bodies that the upstream got for the last question. */
  bodies(): readonly Frame[];
  close(): Promise<void>;
}

/** `lines`: further lines of the configuration. */
export async function startTranslationStage(lines = ""): Promise<TranslationStage> {
  const upstream = await startPickyUpstream();
  upstream.refuse();
  const gateway = await startGateway({ toml: `${translatedToml(upstream.url)}\n${lines}` });
  return {
    upstream,
    gateway,
    async ask({ client, upstream: target, model, isStream = false, headers = {}, body }) {
      upstream.forget();
      const recording = CLIENTS[client];
      const named = model === undefined ? UPSTREAMS[target].model : `${target}/${model}`;
      const sent = asking(recording, named, isStream, body);
      const reply = await request(gateway.port, sent.path, { body: sent.body, headers });
      const text = reply.body.toString();
      return {
        status: reply.status,
        headers: reply.headers,
        text,
        dropped: reply.headers.get("x-clewline-dropped") ?? "",
        told: () => readTold(recording, isStream, text),
      };
    },
    bodies: () => upstream.bodies(),
    async close() {
      await gateway.close();
      await upstream.close();
    },
  };
}
