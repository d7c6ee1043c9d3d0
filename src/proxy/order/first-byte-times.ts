/**
 * How soon one target began its answers, for each client key that asked it. A key goes by its own times: the
 * prompts of another one may be longer, and nobody should be able to make a target look slow, or fast, to
 * others. A key without times of its own goes by the median of the others, once there are enough of them.
 */

/** In milliseconds; null: not known. */
export interface FirstByteTime {
  readonly firstByteMs: number | null;
  /** The key's own request is finding the time out, or has lately failed to. */
  readonly isOnTrial: boolean;
}

interface KeyTime {
  /** null: no answer yet. */
  ms: number | null;
  /** When the time was last heard of. */
  atMs: number;
  /** When a request was last sent to find it out. */
  triedAtMs: number;
}

/** Since then a target may have changed, so it is tried once more. */
const COLD_AFTER_MS = 60_000;
/** After so long without an answer, another request is sent to find the time out. */
const TRIAL_MS = 10_000;
/** What was heard so long ago counts half. */
const HALF_LIFE_MS = 15_000;
/** The least that a new time counts. */
const LEAST_SHARE = 0.2;
/** Fewer keys tell nothing about a target. With three, none alone moves the median beyond the other two. */
const LEAST_KEYS = 3;
/** The keys that asked last. */
const MAX_KEYS = 64;

export class FirstByteTimes {
  /** The key that was heard of last is the last. */
  readonly #byKey = new Map<string, KeyTime>();

  /** An answer has begun after `ms`. `nowMs` is on the monotonic clock. */
  answered(key: string, ms: number, nowMs: number): void {
    const known = this.#byKey.get(key);
    const share =
      known === undefined || known.ms === null
        ? 1
        : Math.max(LEAST_SHARE, 1 - 2 ** ((known.atMs - nowMs) / HALF_LIFE_MS));
    const before = known?.ms ?? ms;
    const time = known ?? { ms: null, atMs: nowMs, triedAtMs: Number.NEGATIVE_INFINITY };
    time.ms = before + (ms - before) * share;
    time.atMs = nowMs;
    this.#keep(key, time);
  }

  /** A request of this key is sent to find out the time. */
  tried(key: string, nowMs: number): void {
    const time = this.#byKey.get(key) ?? { ms: null, atMs: nowMs, triedAtMs: nowMs };
    time.triedAtMs = nowMs;
    this.#keep(key, time);
  }

  of(key: string, nowMs: number): FirstByteTime {
    const own = this.#byKey.get(key);
    const firstByteMs = own !== undefined && isFresh(own, nowMs) ? own.ms : this.#median(nowMs);
    const isOnTrial = firstByteMs === null && own !== undefined && nowMs - own.triedAtMs < TRIAL_MS;
    return { firstByteMs, isOnTrial };
  }

  #median(nowMs: number): number | null {
    const times: number[] = [];
    for (const time of this.#byKey.values())
      if (time.ms !== null && isFresh(time, nowMs)) times.push(time.ms);
    if (times.length < LEAST_KEYS) return null;
    return times.toSorted((a, b) => a - b)[(times.length - 1) >> 1] as number;
  }

  #keep(key: string, time: KeyTime): void {
    this.#byKey.delete(key);
    this.#byKey.set(key, time);
    if (this.#byKey.size <= MAX_KEYS) return;
    const [oldest] = this.#byKey.keys();
    if (oldest !== undefined) this.#byKey.delete(oldest);
  }
}

function isFresh({ ms, atMs }: KeyTime, nowMs: number): boolean {
  return ms !== null && nowMs - atMs < COLD_AFTER_MS;
}
