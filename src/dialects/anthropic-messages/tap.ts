/** What is read of Messages replies. */
import type { Usage } from "../../model/usage.ts";
import { asArray, asObject, asString, type JsonObject } from "../../wire/json.ts";
import { compileShape } from "../../wire/json-shape.ts";
import { Answer, type AnswerReader } from "../answer.ts";
import { textNeedle } from "../needle.ts";
import { countOf, makeUsage, sumOf } from "../token-count.ts";

const MESSAGE = {
  type: true,
  id: true,
  model: true,
  stop_reason: true,
  usage: true,
  container: { id: true },
} as const;
const BODY = compileShape({ ...MESSAGE, error: true });
const FRAME = compileShape({
  type: true,
  error: true,
  usage: true,
  message: MESSAGE,
  delta: { stop_reason: true, container: { id: true } },
});
/** `message_start`, `message_delta`, `message_stop` and errors; the events of content blocks hold none of these. */
const NEEDLES = [textNeedle("message_"), textNeedle('"error"')];

/** Counts as Anthropic keeps them: the input without what the cache read or wrote. */
interface Counts {
  input: number | null;
  cacheRead: number | null;
  cacheWrite: number | null;
  cacheWrite5m: number | null;
  cacheWrite1h: number | null;
  output: number | null;
  thinking: number | null;
}

const COUNT_NAMES = [
  "input",
  "cacheRead",
  "cacheWrite",
  "cacheWrite5m",
  "cacheWrite1h",
  "output",
  "thinking",
] as const satisfies readonly (keyof Counts)[];

export class MessagesReader implements AnswerReader {
  readonly answer = new Answer();
  readonly needles = NEEDLES;
  readonly frameShape = FRAME;
  readonly bodyShape = BODY;
  readonly #keepsReplyId: boolean;
  #counts: Counts | null = null;

  constructor(keepsReplyId: boolean) {
    this.#keepsReplyId = keepsReplyId;
  }

  readFrame(event: string, data: unknown): boolean {
    const frame = asObject(data);
    if (frame === null) return false;
    const type = asString(frame.type) ?? event;
    switch (type) {
      case "message_start":
        this.#readMessage(asObject(frame.message));
        break;
      case "message_delta":
        this.#readDelta(frame);
        break;
      case "message_stop":
        this.answer.hasContent = true;
        this.answer.complete();
        break;
      case "error":
        this.answer.fail(frame.error);
        break;
      default:
        if (type.startsWith("content_block_")) this.answer.hasContent = true;
    }
    return false;
  }

  /** This dialect has no end mark; compatible servers add one behind `message_stop`. */
  readDone(): void {}

  readBody(body: unknown): void {
    const message = asObject(body);
    if (message === null) return;
    if (message.type === "error" || (message.type !== "message" && asObject(message.error) !== null)) {
      this.answer.fail(message.error);
      return;
    }
    this.#readMessage(message);
  }

  notePassed(): void {}

  #readMessage(message: JsonObject | null): void {
    if (message === null) return;
    this.answer.model = asString(message.model) ?? this.answer.model;
    this.answer.stopReason = asString(message.stop_reason);
    this.answer.addStateId(asObject(message.container)?.id);
    if (this.#keepsReplyId) this.answer.addStateId(message.id);
    this.#readUsage(asObject(message.usage));
  }

  #readDelta(frame: JsonObject): void {
    const delta = asObject(frame.delta);
    this.answer.addStateId(asObject(delta?.container)?.id);
    this.#readUsage(asObject(frame.usage));
    const stopReason = asString(delta?.stop_reason);
    if (stopReason === null) return;
    this.answer.stopReason = stopReason;
    this.answer.hasContent = true;
    this.answer.finish();
  }

  /** Counts are cumulative: of each, the last that is not null holds. */
  #readUsage(usage: JsonObject | null): void {
    if (usage === null) return;
    const next = readCounts(usage);
    const counts = this.#counts;
    for (const name of COUNT_NAMES) next[name] ??= counts?.[name] ?? null;
    this.#counts = next;
    this.answer.usage = usageOf(next);
  }
}

function readCounts(usage: JsonObject): Counts {
  const counts = readOwnCounts(usage);
  // Compaction and refused models that fell back are only in the list of iterations; what is in both is counted once.
  const iterations = asArray(usage.iterations).map((entry) => readOwnCounts(asObject(entry) ?? {}));
  for (const name of COUNT_NAMES) {
    const sum = sumOf(...iterations.map((entry) => entry[name]));
    if (sum !== null) counts[name] = Math.max(sum, counts[name] ?? 0);
  }
  return counts;
}

function readOwnCounts(usage: JsonObject): Counts {
  const writes = asObject(usage.cache_creation);
  return {
    input: countOf(usage.input_tokens),
    cacheRead: countOf(usage.cache_read_input_tokens),
    cacheWrite: countOf(usage.cache_creation_input_tokens),
    cacheWrite5m: countOf(writes?.ephemeral_5m_input_tokens),
    cacheWrite1h: countOf(writes?.ephemeral_1h_input_tokens),
    output: countOf(usage.output_tokens),
    thinking: countOf(asObject(usage.output_tokens_details)?.thinking_tokens),
  };
}

function usageOf(counts: Counts): Usage {
  const cacheWriteTokens = counts.cacheWrite ?? sumOf(counts.cacheWrite5m, counts.cacheWrite1h);
  return makeUsage({
    inputTokens: sumOf(counts.input, counts.cacheRead, cacheWriteTokens),
    cacheReadTokens: counts.cacheRead,
    cacheWriteTokens,
    cacheWrite1hTokens: counts.cacheWrite1h,
    outputTokens: counts.output,
    reasoningTokens: counts.thinking,
  });
}
