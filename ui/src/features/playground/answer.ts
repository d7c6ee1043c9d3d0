/** One request of the playground, and its answer as it comes. */
import { ApiError, type CallInput, call, callRaw } from "../../lib/api.ts";
import { type Dialect, readPieces } from "./dialects.ts";
import { eventData } from "./event-data.ts";

export interface Answer {
  readonly text: string;
  readonly thinking: string;
  readonly tools: string;
  readonly error: unknown;
  readonly isRunning: boolean;
  readonly firstPieceMs: number | null;
  readonly durationMs: number | null;
  readonly requestId: string | null;
  readonly costNanoUsd: number | null;
}

const NOTHING: Answer = {
  text: "",
  thinking: "",
  tools: "",
  error: null,
  isRunning: false,
  firstPieceMs: null,
  durationMs: null,
  requestId: null,
  costNanoUsd: null,
};

/** Resolves when the answer has ended, however it did; the cost may follow. */
export async function runRequest(
  dialect: Dialect,
  body: CallInput<"try">["body"],
  signal: AbortSignal,
  onChange: (answer: Answer) => void,
): Promise<Answer> {
  const startMs = performance.now();
  let now: Answer = { ...NOTHING, isRunning: true };
  const show = (change: Partial<Answer>): void => {
    now = { ...now, ...change };
    onChange(now);
  };
  show({});
  try {
    const reply = await callRaw("try", { body, signal });
    show({ requestId: reply.headers.get("x-request-id") });
    if (reply.body === null)
      throw new ApiError(0, { error: { kind: "empty", message: "the answer has no body" } });
    if (reply.headers.get("content-type")?.startsWith("text/event-stream") !== true) {
      // A request that was not asked for as a stream is shown as it came.
      show({ text: await reply.text(), firstPieceMs: performance.now() - startMs });
    } else {
      for await (const data of eventData(reply.body)) {
        for (const { kind, text } of readPieces(dialect, data)) {
          const firstPieceMs = now.firstPieceMs ?? performance.now() - startMs;
          if (kind === "text") show({ firstPieceMs, text: now.text + text });
          else if (kind === "thinking") show({ firstPieceMs, thinking: now.thinking + text });
          else if (kind === "tool") show({ firstPieceMs, tools: now.tools + text });
          else show({ error: text });
        }
      }
    }
  } catch (error) {
    if (!signal.aborted) show({ error });
  }
  show({ isRunning: false, durationMs: performance.now() - startMs });
  if (now.requestId !== null)
    void costOf(now.requestId).then((costNanoUsd) => {
      show({ costNanoUsd });
    });
  return now;
}

async function costOf(id: string): Promise<number | null> {
  const found = await call("getRequest", { params: { id } }).catch(() => null);
  return found?.row.costNanoUsd ?? null;
}
