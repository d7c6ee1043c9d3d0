import { useSyncExternalStore } from "react";
import { countdown } from "../lib/format.ts";

const SECOND_MS = 1_000;
const watchers = new Set<() => void>();
let nowMs = Date.now();
let timer: ReturnType<typeof setInterval> | null = null;

/** One clock for all that counts, however many there are. */
function watch(watcher: () => void): () => void {
  watchers.add(watcher);
  timer ??= setInterval(() => {
    nowMs = Date.now();
    for (const one of watchers) one();
  }, SECOND_MS);
  return () => {
    watchers.delete(watcher);
    if (watchers.size > 0 || timer === null) return;
    clearInterval(timer);
    timer = null;
  };
}

/** The time now, once a second. */
export function useNow(): number {
  return useSyncExternalStore(watch, () => nowMs);
}

export function Countdown({ untilMs }: { untilMs: number }) {
  const now = useNow();
  return <span className="tabular">{countdown(untilMs - now)}</span>;
}
