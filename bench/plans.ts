/** The loads that several works share. */
import type { LoadPlan } from "./load.ts";
import type { Effort } from "./measure.ts";

/** Small requests, each connection as fast as it can. */
export function jsonPlan({ short }: Effort) {
  return {
    kind: "json",
    connections: 64,
    warmSeconds: 0.2,
    measuredSeconds: short ? 0.7 : 1.2,
  } as const satisfies LoadPlan;
}

/** Streams whose events come all at once. */
export function burstPlan(effort: Effort) {
  return { ...jsonPlan(effort), kind: "burst", connections: 32, events: 100 } as const satisfies LoadPlan;
}

/** Slow streams: 100 events each, one each 50 ms. They are opened within the first half of the warm-up. */
export function streamsPlan({ short }: Effort) {
  const intervalMs = 50;
  const [warmSeconds, measuredSeconds] = short ? [0.5, 0.5] : [1.5, 3];
  return {
    kind: "ticks",
    connections: short ? 100 : 1_000,
    intervalMs,
    // Each stream outlasts the measured part by half a second, the first one too.
    events: ((warmSeconds + measuredSeconds + 0.5) * 1000) / intervalMs,
    warmSeconds,
    measuredSeconds,
  } as const satisfies LoadPlan;
}
