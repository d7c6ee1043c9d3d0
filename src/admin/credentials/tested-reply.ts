/** Reads the reply to a test of a credential: a stream of the Messages API, or an error. */
import * as v from "valibot";

export interface TestedReply {
  readonly isGood: boolean;
  /** What the model said, or the words of the error. */
  readonly text: string;
  /** When the first part of the answer came, on the monotonic clock; null: none did. */
  readonly firstByteMs: number | null;
}

/** Longer answers are read to their end, because they cost money, and are not kept. */
const MAX_TEXT_CHARS = 20_000;
/** No event of a stream is as long. */
const MAX_EVENT_CHARS = 1_000_000;

const delta = v.object({ type: v.literal("content_block_delta"), delta: v.object({ text: v.string() }) });
const started = v.object({ type: v.literal("content_block_start") });
const end = v.object({ type: v.literal("message_stop") });
const failure = v.object({ error: v.object({ message: v.string() }) });

/** Never rejects: a stream that breaks off is a bad reply. */
export async function readTestedReply(reply: Response, nowMs: () => number): Promise<TestedReply> {
  const isStream = reply.ok && reply.headers.get("content-type")?.startsWith("text/event-stream") === true;
  if (!isStream) {
    const said = v.safeParse(failure, await reply.json().catch(() => null));
    const words = said.success ? said.output.error.message : `the reply has status ${reply.status}`;
    return { isGood: false, text: words.slice(0, MAX_TEXT_CHARS), firstByteMs: null };
  }
  const answer = new Answer(nowMs);
  try {
    const decoder = new TextDecoder();
    for await (const bytes of reply.body ?? []) answer.take(decoder.decode(bytes, { stream: true }));
  } catch {
    answer.fail("the reply broke off");
  }
  return answer.outcome();
}

class Answer {
  readonly #nowMs: () => number;
  #held = "";
  #text = "";
  #error: string | null = null;
  #isWhole = false;
  #firstByteMs: number | null = null;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  take(text: string): void {
    const events = (this.#held + text).split("\n\n");
    this.#held = (events.pop() ?? "").slice(0, MAX_EVENT_CHARS);
    for (const event of events) this.#takeEvent(event);
  }

  fail(message: string): void {
    this.#error ??= message;
  }

  outcome(): TestedReply {
    if (!this.#isWhole) this.fail("the reply ended before its end");
    const isGood = this.#error === null;
    const text = (this.#error ?? this.#text).slice(0, MAX_TEXT_CHARS);
    return { isGood, text, firstByteMs: this.#firstByteMs };
  }

  #takeEvent(event: string): void {
    const data = event
      .split("\n")
      .filter((line) => line.startsWith("data:"))
      .map((line) => line.slice("data:".length).trimStart());
    const said = parsed(data.join("\n"));
    if (v.is(started, said)) this.#firstByteMs ??= this.#nowMs();
    if (v.is(delta, said) && this.#text.length < MAX_TEXT_CHARS) this.#text += said.delta.text;
    if (v.is(failure, said)) this.fail(said.error.message);
    if (v.is(end, said)) this.#isWhole = true;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
