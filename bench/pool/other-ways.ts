/** Other ways of choosing a key, as gateways have them: they go past keys that were refused until the time that was named. */
import type { Ask, Provider, SimulatedKey } from "./provider.ts";
import { Random } from "./random.ts";
import type { Gateway, MakeGateway, Waiting } from "./run.ts";
import type { Timeline } from "./timeline.ts";

/** Returns the index of the next key among those that may be asked. */
type Choose = (ready: readonly SimulatedKey[], inFlight: readonly number[]) => SimulatedKey;

class OtherWay implements Gateway {
  readonly #provider: Provider;
  readonly #timeline: Timeline;
  readonly #choose: Choose;
  readonly #inFlight: number[];
  readonly #untilMs: number[];

  constructor(provider: Provider, timeline: Timeline, choose: Choose) {
    this.#provider = provider;
    this.#timeline = timeline;
    this.#choose = choose;
    this.#inFlight = provider.keys.map(() => 0);
    this.#untilMs = provider.keys.map(() => 0);
  }

  submit(ask: Ask, waiting: Waiting): void {
    this.#next(ask, waiting, new Set());
  }

  #next(ask: Ask, waiting: Waiting, tried: Set<number>): void {
    const nowMs = this.#timeline.monotonicMs();
    const ready = this.#provider.keys.filter(
      ({ index }) => !tried.has(index) && (this.#untilMs[index] as number) <= nowMs,
    );
    if (ready.length === 0) {
      waiting.refused(Math.max(0, Math.min(...this.#untilMs) - nowMs));
      return;
    }
    const key = this.#choose(ready, this.#inFlight);
    const { index } = key;
    const change = (by: number): void => {
      this.#inFlight[index] = (this.#inFlight[index] as number) + by;
    };
    change(1);
    let cachedTokens = 0;
    this.#provider.send(key, ask, {
      replied: (head) => {
        cachedTokens = head.cachedTokens;
        if (head.isAccepted) return;
        change(-1);
        this.#untilMs[index] = this.#timeline.monotonicMs() + head.retryAfterMs;
        this.#next(ask, waiting, tried.add(index));
      },
      ended: () => {
        change(-1);
        waiting.served(cachedTokens);
      },
    });
  }
}

const roundRobin = (): Choose => {
  let last = -1;
  return (ready) => {
    const next = ready.find(({ index }) => index > last) ?? (ready[0] as SimulatedKey);
    last = next.index;
    return next;
  };
};

const leastBusy: Choose = (ready, inFlight) =>
  ready.reduce((least, key) =>
    (inFlight[key.index] as number) < (inFlight[least.index] as number) ? key : least,
  );

const atRandom = (seed: number): Choose => {
  const random = new Random(seed + 2);
  return (ready) => ready[random.whole(0, ready.length - 1)] as SimulatedKey;
};

export const OTHER_WAYS: Readonly<Record<string, MakeGateway>> = {
  "round robin": (provider, timeline) => new OtherWay(provider, timeline, roundRobin()),
  "least busy": (provider, timeline) => new OtherWay(provider, timeline, leastBusy),
  random: (provider, timeline, seed) => new OtherWay(provider, timeline, atRandom(seed)),
};

/** One key without limits, which all others are compared with. */
export const ONE_KEY: MakeGateway = (provider, timeline) =>
  new OtherWay(provider, timeline, ([first]) => first as SimulatedKey);
