/**
 * Requests whose cost is known on both sides: the simulator bills each to a payer of its own, and the most
 * that a request may cost follows from its size and its own maximum.
 */
import { costNanoUsd } from "../../../src/simulator/answer/billed.ts";
import { billedTo } from "../../kit/bill.ts";
import type { DialectName } from "../../kit/recordings.ts";
import { WAYS, type Way } from "../asking.ts";
import type { Chance } from "../seeded.ts";

/** What each dialect's upstream of `simulatedToml` serves. */
export const UPSTREAM_MODELS: Readonly<Record<DialectName, { upstream: string; model: string }>> = {
  "openai-chat": { upstream: "chat", model: "house-1" },
  "openai-responses": { upstream: "responses", model: "gpt-5.4" },
  "anthropic-messages": { upstream: "anthropic", model: "claude-haiku-4-5" },
  gemini: { upstream: "gemini", model: "gemini-3-flash" },
};

export interface BilledRequest {
  readonly payer: string;
  readonly way: Way;
  readonly isTranslated: boolean;
  /** The name of the upstream that serves it. */
  readonly upstream: string;
  readonly path: string;
  readonly body: string;
  /** At least the cost that a limiter has to reserve: body bytes ÷ 3 and the request's maximum, at plain rates. */
  readonly mostNanoUsd: number;
}

export interface RequestWishes {
  readonly payer: string;
  /** Words for the simulated model, such as `slow,ms=2`. */
  readonly words?: string;
  readonly maxTokens: number;
  readonly way: Way;
  /** The dialect of the upstream that serves the request. */
  readonly served: DialectName;
  /** Text before the payer's name. */
  readonly text?: string;
}

export function billedRequest(wishes: RequestWishes): BilledRequest {
  const { payer, words = "", maxTokens, way, served, text = "Tell me of the labyrinth." } = wishes;
  const { upstream, model } = UPSTREAM_MODELS[served];
  const name = `${upstream}/${model}${words === "" ? "" : `~${words}`}`;
  const { path, body } = requestOf(way, name, `${text} ${billedTo(payer)}`, maxTokens);
  const read = { cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, searches: 0 };
  return {
    payer,
    way,
    isTranslated: way.recording.dialect !== served,
    upstream,
    path,
    body,
    mostNanoUsd: costNanoUsd(model, {
      ...read,
      input: Math.floor(Buffer.byteLength(body) / 3),
      output: maxTokens,
    }),
  };
}

function requestOf(
  { recording, isStream }: Way,
  model: string,
  content: string,
  maxTokens: number,
): { path: string; body: string } {
  const path = (isStream ? recording.streamPath : recording.wholePath).replace(
    recording.model,
    encodeURIComponent(model),
  );
  const stream = isStream ? { stream: true } : {};
  const messages = [{ role: "user", content }];
  switch (recording.dialect) {
    case "openai-chat": {
      const options = isStream ? { stream_options: { include_usage: true } } : {};
      return {
        path,
        body: JSON.stringify({ model, max_tokens: maxTokens, messages, ...stream, ...options }),
      };
    }
    case "openai-responses":
      return {
        path,
        body: JSON.stringify({
          model,
          max_output_tokens: maxTokens,
          input: content,
          store: false,
          ...stream,
        }),
      };
    case "anthropic-messages":
      return { path, body: JSON.stringify({ model, max_tokens: maxTokens, messages, ...stream }) };
    case "gemini": {
      const contents = [{ role: "user", parts: [{ text: content }] }];
      return { path, body: JSON.stringify({ contents, generationConfig: { maxOutputTokens: maxTokens } }) };
    }
  }
}

const DIALECTS = Object.keys(UPSTREAM_MODELS) as DialectName[];

/** Any way to ask, of any upstream: one in two is translated. */
export function anyRequest(
  chance: Chance,
  wishes: Pick<RequestWishes, "payer" | "words" | "maxTokens" | "text">,
): BilledRequest {
  const way = chance.pick(WAYS);
  const foreign = DIALECTS.filter((dialect) => dialect !== way.recording.dialect);
  const served = chance.next() < 0.5 ? way.recording.dialect : chance.pick(foreign);
  return billedRequest({ ...wishes, way, served });
}
