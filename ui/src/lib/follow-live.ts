/** Puts live events where the pages read: into the answers that they have asked for. */
import type { QueryClient } from "@tanstack/react-query";
import type { LiveEvents, ReplyOf } from "../../../src/admin/contract.ts";
import { liveFeed } from "./live.ts";

export type Health = LiveEvents["health"];
export type Attention = LiveEvents["config"]["attention"];
type Board = ReplyOf<"listCredentials">;
type State = LiveEvents["credentials"]["credentials"][number];

export const HEALTH_KEY = ["health"] as const;
export const ATTENTION_KEY = ["attention"] as const;
export const CREDENTIALS_KEY = ["credentials"] as const;

/** Returns what ends it. */
export function followLive(queries: QueryClient): () => void {
  const onStates = (states: readonly State[], gone: readonly string[], nowMs: number): void => {
    const known = queries.getQueryData<Board>(CREDENTIALS_KEY);
    if (known === undefined) return;
    queries.setQueryData<Board>(CREDENTIALS_KEY, mergeStates(known, states, gone, nowMs));
    const ids = new Set(known.credentials.map(({ id }) => id));
    // What the ledger knows of a new credential comes with the whole board.
    if (states.some(({ id }) => !ids.has(id))) void queries.invalidateQueries({ queryKey: CREDENTIALS_KEY });
  };
  const ends = [
    liveFeed.on("snapshot", ({ credentials, health, attention, nowMs }) => {
      queries.setQueryData<Health>(HEALTH_KEY, health);
      queries.setQueryData<Attention>(ATTENTION_KEY, attention);
      onStates(credentials, [], nowMs);
    }),
    liveFeed.on("credentials", ({ credentials, gone, nowMs }) => onStates(credentials, gone, nowMs)),
    liveFeed.on("health", (health) => void queries.setQueryData<Health>(HEALTH_KEY, health)),
    liveFeed.on("config", ({ attention }) => {
      queries.setQueryData<Attention>(ATTENTION_KEY, attention);
      for (const key of ["credentials", "keys", "models", "settings", "session"])
        void queries.invalidateQueries({ queryKey: [key] });
    }),
  ];
  liveFeed.open();
  return () => {
    for (const end of ends) end();
    liveFeed.close();
  };
}

/** The board with newer states; what the ledger told of each credential stays. */
export function mergeStates(
  board: Board,
  states: readonly State[],
  gone: readonly string[],
  nowMs: number,
): Board {
  const newer = new Map(states.map((state) => [state.id, state]));
  return {
    nowMs,
    credentials: board.credentials
      .filter(({ id }) => !gone.includes(id))
      .map((one) => ({ ...one, ...newer.get(one.id) })),
  };
}
