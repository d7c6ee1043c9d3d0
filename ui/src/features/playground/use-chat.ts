import { useRef, useState } from "react";
import { type Answer, runRequest } from "./answer.ts";
import { ask, type Dialect, type Turn } from "./dialects.ts";

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
    // What was cleared, or was followed by another one, shows nothing more.
    const isShown = (): boolean => running.current === abort;
    const { text } = await runRequest(dialect, ask(dialect, model, system, asked), abort.signal, (now) => {
      if (isShown()) setAnswer(now);
    });
    if (text !== "" && isShown()) setTurns([...asked, { role: "assistant", text, image: null }]);
  };
  return {
    turns,
    answer,
    send,
    stop: () => running.current?.abort(),
    clear() {
      running.current?.abort();
      running.current = null;
      setTurns([]);
      setAnswer(null);
    },
  };
}
