/** The repeats of one request after overload or a broken connection: how many, where, and after which pause. */
import type { ErrorKind } from "../../core/errors.ts";
import type { ServedRequest } from "../served-request.ts";
import type { AttemptFailure } from "./outcome.ts";

/** After a credential's own failure, each other credential is tried; these failures would come again. */
const MAX_REPEATS = 2;
/** A refused connection may be that of a server which starts again; one that took so long is none. */
const MAX_CONNECTING_MS = 2_000;
/** The first pause and the longest one of the gateway's own; half of each is left to chance. */
const FIRST_MS = 200;
const LONGEST_MS = 1_000;
const GROWTH = 4;
/** An upstream that asks for more time gets the gateway's own pauses; then the client is told to come back. */
const MAX_ANNOUNCED_MS = 5_000;
/** Spreads requests that wait for the same announced time. */
const SPREAD_MS = 100;

const QUICK_ONCE: ReadonlySet<ErrorKind> = new Set(["upstream_cut", "upstream_timeout", "proxy_failed"]);

/** Made with the first such failure. `Place` is where an attempt was made. */
export class Repeats<Place> {
  readonly #request: ServedRequest;
  #failures = 0;
  /** null: a repeat has begun, or none is due. */
  #due: Place | null = null;
  /** Ends the pause; null: there is none. */
  #stop: (() => void) | null = null;
  /** The last failure. */
  last: AttemptFailure;

  constructor(request: ServedRequest, failure: AttemptFailure) {
    this.#request = request;
    this.last = failure;
  }

  add(failure: AttemptFailure, place: Place): void {
    this.#failures += 1;
    this.last = failure;
    if (this.#mayPass(failure)) this.#due = place;
  }

  /** A redirect comes again, and a connection that was waited for in vain would be waited for again. */
  #mayPass({ isRedirect, error }: AttemptFailure): boolean {
    if (error.kind !== "upstream_connect" && error.kind !== "proxy_failed") return isRedirect !== true;
    const tookMs = this.#request.exchange.attemptNotes.at(-1)?.ms ?? 0;
    return tookMs < MAX_CONNECTING_MS;
  }

  /** A credential that has failed lately need not be tried any more. */
  get isVain(): boolean {
    return this.#failures > MAX_REPEATS || this.last.isRedirect === true;
  }

  /** Where a repeat is due; null: nowhere. */
  get due(): Place | null {
    return this.#failures > MAX_REPEATS ? null : this.#due;
  }

  /** A repeat begins. Without this, failures that park nothing would be repeated for ever. */
  begun(): void {
    this.#due = null;
  }

  /**
   * Calls `over` after the pause, or `left` when the client leaves. `firstByteTimeoutMs` is the upstream's own. Returns
   * false, and calls neither, when the pause is long and there is another upstream to ask.
   */
  wait(firstByteTimeoutMs: number, hasOther: boolean, over: () => void, left: () => void): boolean {
    if (this.#isQuick()) {
      over();
      return true;
    }
    const chance = Number.parseInt(this.#request.gateway.ids.hex(2), 16) / 0x1_00_00;
    const pauseMs = pauseBefore(this.#failures, this.last.error.retryAfterMs, firstByteTimeoutMs, chance);
    if (hasOther && pauseMs > LONGEST_MS) return false;
    this.#pause(pauseMs, over, left);
    return true;
  }

  /**
   * What makes no sense is not a matter of time, and a connection may break once for no reason. Another credential may
   * have another way than the one whose proxy fails.
   */
  #isQuick(): boolean {
    const { kind } = this.last.error;
    if (kind === "upstream_garbage") return true;
    return this.#failures === 1 && QUICK_ONCE.has(kind);
  }

  #pause(pauseMs: number, over: () => void, left: () => void): void {
    const { client, leaving: signal } = this.#request.exchange;
    client.suspendIdleTimeout();
    const timer = setTimeout(() => {
      this.stop();
      over();
    }, pauseMs);
    const onLeft = (): void => {
      this.stop();
      left();
    };
    this.#stop = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onLeft);
    };
    signal.addEventListener("abort", onLeft);
    if (signal.aborted) onLeft();
  }

  /** The request has ended: nothing is called any more. */
  stop(): void {
    this.#stop?.();
    this.#stop = null;
  }
}

/**
 * Milliseconds before the `nth` repeat, counted from 1. `announcedMs` is the upstream's own word (`retry-after`), which
 * counts up to `limitMs`; `chance` is a random number from 0 to below 1.
 */
export function pauseBefore(
  nth: number,
  announcedMs: number | undefined,
  limitMs: number,
  chance: number,
): number {
  const ownMs = Math.min(FIRST_MS * GROWTH ** (nth - 1), LONGEST_MS) * (0.5 + chance / 2);
  if (announcedMs === undefined || announcedMs > Math.min(MAX_ANNOUNCED_MS, limitMs)) return ownMs;
  return Math.max(ownMs, announcedMs + chance * SPREAD_MS);
}
