import { type PriorityGroup, turnsOf } from "./choice.ts";
import type { PooledCredential } from "./credential.ts";

/** The groups of each upstream, in order of priority. */
export function groupsOf(
  credentials: readonly PooledCredential[],
): ReadonlyMap<string, readonly PriorityGroup[]> {
  const upstreams = Map.groupBy(credentials, ({ spec }) => spec.upstream);
  return new Map(
    Array.from(upstreams, ([upstream, all]) => {
      const byPriority = [...Map.groupBy(all, ({ spec }) => spec.priority)];
      const groups = byPriority
        .toSorted(([a], [b]) => a - b)
        .map(([priority, same]) => groupOf(priority, same));
      return [upstream, groups];
    }),
  );
}

function groupOf(priority: number, credentials: readonly PooledCredential[]): PriorityGroup {
  const turns = turnsOf(credentials.map(({ weight }) => weight));
  return {
    priority,
    credentials,
    turns: turns.map((index) => credentials[index] as PooledCredential),
    next: 0,
  };
}
