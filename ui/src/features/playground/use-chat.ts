import { useRef, useState } from "react";
import { ApiError, call, callRaw } from "../../lib/api.ts";
import { ask, type Dialect, readPieces, type Turn } from "./dialects.ts";
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

export interface Chat {
  readonly turns: readonly Turn[];
  /** The one that runs, or ended last. */
  readonly answer: Answer | null;
  send(system: string, turn: Turn): Promise<void>;
  stop(): void;
  clear(): void;
}

/** A conversation with one model in one dialect. */
export function useChat(model: string, dialect: Dialect): Chat {
  const [turns, setTurns] = useState<readonly Turn[]>([]);
  const [answer, setAnswer] = useState<Answer | null>(null);
  const running = useRef<AbortController | null>(null);

  const send = async (system: string, turn: Turn): Promise<void> => {
    const asked = [...turns, turn];
    setTurns(asked);
    const abort = new AbortController();
    running.current = abort;
    const startMs = performance.now();
    let now: Answer = { ...NOTHING, isRunning: true };
    const show = (change: Partial<Answer>): void => {
      now = { ...now, ...change };
      setAnswer(now);
    };
    show({});
    try {
      const reply = await callRaw("try", { body: ask(dialect, model, system, asked), signal: abort.signal });
      show({ requestId: reply.headers.get("x-request-id") });
      if (reply.body === null)
        throw new ApiError(0, { error: { kind: "empty", message: "the answer has no body" } });
      for await (const data of eventData(reply.body)) {
        for (const { kind, text } of readPieces(dialect, data)) {
          const firstPieceMs = now.firstPieceMs ?? performance.now() - startMs;
          if (kind === "text") show({ firstPieceMs, text: now.text + text });
          else if (kind === "thinking") show({ firstPieceMs, thinking: now.thinking + text });
          else if (kind === "tool") show({ firstPieceMs, tools: now.tools + text });
          else show({ error: text });
        }
      }
    } catch (error) {
      if (!abort.signal.aborted) show({ error });
    }
    show({ isRunning: false, durationMs: performance.now() - startMs });
    if (now.text !== "") setTurns([...asked, { role: "assistant", text: now.text, image: null }]);
    if (now.requestId !== null) {
      const { requestId: id } = now;
      const found = await call("getRequest", { params: { id } }).catch(() => null);
      if (found !== null && now.requestId === id) show({ costNanoUsd: found.row.costNanoUsd });
    }
  };
  return {
    turns,
    answer,
    send,
    stop: () => running.current?.abort(),
    clear() {
      running.current?.abort();
      setTurns([]);
      setAnswer(null);
    },
  };
}
