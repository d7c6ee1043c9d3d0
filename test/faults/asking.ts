/**
 * Clients that ask in every dialect and note after each read whether an answer is complete, by the strictest
 * reading of the dialect; and a provider that answers with recordings.
 */
import { CLIENT_KEY, HANG_MS } from "../kit/gateway.ts";
import { type Arrived, replyHead } from "../kit/raw-upstream.ts";
import { CHAT, GEMINI, GEMINI_ARRAY, MESSAGES, RESPONSES, type Recording } from "../kit/recordings.ts";

/** One way to ask: a dialect, whole or as a stream. */
export interface Way {
  readonly name: string;
  readonly recording: Recording;
  readonly isStream: boolean;
}

const stream = (recording: Recording): Way => ({
  name: `${recording.name} stream`,
  recording,
  isStream: true,
});
const whole = (recording: Recording): Way => ({
  name: `${recording.name} whole`,
  recording,
  isStream: false,
});

/** All four dialects, each in every framing that it has. */
export const WAYS: readonly Way[] = [
  ...[CHAT, RESPONSES, MESSAGES, GEMINI].flatMap((recording) => [whole(recording), stream(recording)]),
  stream(GEMINI_ARRAY),
];

/** The path and body of a request; `model` instead of the recording's own. */
export function requestFor(
  { recording, isStream }: Way,
  model = recording.model,
): { path: string; body: string } {
  const path = (isStream ? recording.streamPath : recording.wholePath).replace(recording.model, model);
  return { path, body: recording.body(isStream).replace(`"${recording.model}"`, JSON.stringify(model)) };
}

/**
 * Whether any client may take the text so far for a complete answer. Stricter than genuine clients, who wait
 * for more: the first sign of a good end is enough.
 */
function isComplete({ recording, isStream }: Way, text: string): boolean {
  if (!isStream) {
    if (!/[\]}]\s*$/.test(text)) return false;
    try {
      return !("error" in (JSON.parse(text) as object) && !text.includes('"error":null'));
    } catch (error) {
      if (error instanceof SyntaxError) return false;
      throw error;
    }
  }
  if (recording.endMarks.some((mark) => text.includes(mark))) return true;
  if (recording === CHAT) return text.includes("[DONE]") && !text.includes('"error"');
  return recording === MESSAGES && text.includes('"stop_reason":"end_turn"');
}

export interface Asked {
  readonly way: Way;
  /** 0: no head came. */
  readonly status: number;
  readonly requestId: string | null;
  readonly retryAfter: string | null;
  readonly text: string;
  /** The time at which the answer became complete, on `performance.now()`; null: it did not. */
  readonly completeAtMs: number | null;
  /** The error that ended the reading; null: the body ended. */
  readonly fault: unknown;
}

export interface AskOptions {
  readonly model?: string;
  /** Instead of the request of the way's recording. */
  readonly request?: { readonly path: string; readonly body: string };
  /** The client's key, if it is another one than `CLIENT_KEY`. */
  readonly key?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  readonly limitMs?: number;
  /** Called in the turn of the event loop in which the answer becomes complete. */
  readonly onComplete?: (requestId: string | null) => void;
}

/** Asks once and reads to the end, good or bad. Never rejects. */
export async function ask(url: string, way: Way, options: AskOptions = {}): Promise<Asked> {
  const { path, body } = options.request ?? requestFor(way, options.model);
  const limit = AbortSignal.timeout(options.limitMs ?? HANG_MS);
  const signal = options.signal === undefined ? limit : AbortSignal.any([limit, options.signal]);
  let status = 0;
  let requestId: string | null = null;
  let retryAfter: string | null = null;
  let text = "";
  let completeAtMs: number | null = null;
  const result = (fault: unknown): Asked => ({
    way,
    status,
    requestId,
    retryAfter,
    text,
    completeAtMs,
    fault,
  });
  try {
    const reply = await fetch(url + path, {
      method: "POST",
      headers: {
        authorization: `Bearer ${options.key ?? CLIENT_KEY}`,
        "content-type": "application/json",
        ...options.headers,
      },
      body,
      signal,
    });
    status = reply.status;
    requestId = reply.headers.get("x-request-id");
    retryAfter = reply.headers.get("retry-after");
    if (reply.body === null) return result(null);
    const decoder = new TextDecoder();
    for await (const bytes of reply.body) {
      text += decoder.decode(bytes, { stream: true });
      if (completeAtMs !== null || status !== 200 || !isComplete(way, text)) continue;
      completeAtMs = performance.now();
      options.onComplete?.(requestId);
    }
    return result(null);
  } catch (fault) {
    return result(fault);
  }
}

/** The recording that a request asks for, by its path and body. */
export function wayOf(request: Arrived): Way {
  const { target } = request;
  const isStream = target.includes(":stream") || request.body.includes('"stream":true');
  const recording = target.includes("/chat/completions")
    ? CHAT
    : target.includes("/responses")
      ? RESPONSES
      : target.includes("/messages")
        ? MESSAGES
        : target.includes(":streamGenerateContent") && !target.includes("alt=sse")
          ? GEMINI_ARRAY
          : GEMINI;
  return { name: recording.name, recording, isStream };
}

/** The key that a request shows. */
export function keyOf(request: Arrived): string {
  const { headers } = request;
  const bearer = headers.get("authorization")?.replace(/^Bearer /, "");
  return headers.get("x-api-key") ?? headers.get("x-goog-api-key") ?? bearer ?? "";
}

/** Milliseconds, or a promise that is awaited. */
type Pause = number | Promise<unknown>;

/** Answers well. `pauses`: the pause before a frame of the stream, by the frame's index. */
export async function answerWell(
  request: Arrived,
  pauses: ReadonlyMap<number, Pause> = new Map(),
): Promise<void> {
  const { recording, isStream } = wayOf(request);
  if (!isStream) {
    await pause(pauses.get(0));
    const bytes = Buffer.from(recording.whole);
    const head = replyHead("200 OK", { "content-type": "application/json" }, bytes.length);
    await request.send(Buffer.concat([Buffer.from(head), bytes]));
    return;
  }
  let piece = Buffer.from(replyHead("200 OK", { "content-type": recording.streamType }, "chunked"));
  for (const [index, frame] of recording.frames.entries()) {
    const length = pauses.get(index);
    if (length !== undefined) {
      await request.send(piece);
      piece = Buffer.alloc(0);
      await pause(length);
    }
    const data = Buffer.from(frame);
    piece = Buffer.concat([piece, Buffer.from(`${data.length.toString(16)}\r\n`), data, Buffer.from("\r\n")]);
  }
  await request.send(Buffer.concat([piece, Buffer.from("0\r\n\r\n")]));
}

async function pause(length: Pause | undefined): Promise<void> {
  if (typeof length !== "number") await length;
  else if (length > 0) await Bun.sleep(length);
}
