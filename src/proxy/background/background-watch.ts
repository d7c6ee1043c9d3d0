/**
 * Waits for background responses to end: asks their providers, with pauses that grow, until the usage is known, and gives
 * each a row of its own. What its request holds in limits is held until then. A restart goes on with what is stored.
 */
import type { Principal } from "../../auth/keys.ts";
import { credentialIdOf } from "../../ledger/row.ts";
import { tokensOf } from "../../neutral/usage.ts";
import type { LimitHold } from "../../pool/credential-limits.ts";
import type { BackgroundStore } from "../../store/background.ts";
import type { Charge } from "../../store/budgets.ts";
import type { Call } from "../../transport/call.ts";
import type { Gateway } from "../gateway.ts";
import { settleBackground } from "../settle.ts";
import { type End, endOf } from "./end.ts";
import { type Found, fetchResponse, givenUp } from "./fetch-response.ts";
import {
  type Background,
  type Held,
  isPending,
  neededAgain,
  type PendingResponse,
  type ResponseFacts,
} from "./pending.ts";

const FIRST_PAUSE_MS = 2_000;
const PAUSE_GROWTH = 1.5;
/** A provider that keeps a response for the gateway's sake alone keeps it for ten minutes. */
const MAX_PAUSE_MS = 300_000;
const MAX_AGE_MS = 24 * 3_600_000;
const MINUTE_MS = 60_000;
const MAX_MISSES = 5;
const MAX_AT_ONCE = 4;
/** Asked about in one look: then those that became due meanwhile get their turn. */
const MAX_A_LOOK = 64;
/** Each holds about 2 kB. What is beyond is booked at once, as if it were never heard of again. */
const MAX_PENDING = 10_000;

interface Watched {
  readonly pending: PendingResponse;
  /** null: nothing is held; a key with limits is charged all the same. */
  held: Held | null;
  /** What it holds of its credential's limits; null: nothing; a budget is charged all the same. */
  hold: LimitHold | null;
  call: Call | null;
}

type WatchGateway = Pick<
  Gateway,
  "snapshot" | "transport" | "clock" | "log" | "limiter" | "ledger" | "metrics" | "unpriced" | "pool"
>;

export class BackgroundWatch implements Background {
  readonly #gateway: () => WatchGateway;
  readonly #store: BackgroundStore;
  /** By upstream and id. */
  readonly #watched = new Map<string, Watched>();
  #timer: ReturnType<typeof setTimeout> | null = null;
  /** The look that runs; null: none does. */
  #looking: Promise<void> | null = null;
  #isStopped = false;

  /** `gateway` is asked when it is needed: the gateway holds the watch. */
  constructor(gateway: () => WatchGateway, store: BackgroundStore) {
    this.#gateway = gateway;
    this.#store = store;
  }

  get size(): number {
    return this.#watched.size;
  }

  /** Goes on with what an earlier process has left. Never throws. */
  start(): void {
    this.#try("the background responses of an earlier process cannot be read", () => {
      for (const { detail, upstream, id } of this.#store.load()) {
        if (!isPending(detail)) {
          this.#gateway().log.error(
            { upstream, response: id },
            "a stored background response cannot be read",
          );
          continue;
        }
        const pending = detail;
        const watched: Watched = { pending, held: null, hold: null, call: null };
        this.#watched.set(keyOf(pending), watched);
        if (pending.hasEnded) this.#commit(watched);
        else {
          this.#holdOfCredential(watched);
          this.#try("a limit cannot be held", () => this.#hold(watched));
        }
      }
    });
    this.#arm();
  }

  begin(pending: PendingResponse, held: Held | null, hold: LimitHold | null): void {
    const watched: Watched = { pending, held, hold, call: null };
    const known = this.#watched.get(keyOf(pending));
    if (known !== undefined) {
      // The provider has answered two requests with one response: it is paid for once, and they are two requests.
      held?.settle(0, 0, pending.row);
      hold?.release();
      return;
    }
    pending.nextMs = this.#gateway().clock.nowMs() + FIRST_PAUSE_MS;
    if (hold !== null) pending.credentialHeld = { tokens: hold.tokens, costNanoUsd: hold.nanoUsd };
    this.#save(pending);
    if (this.#isStopped) {
      // The last requests of a drain: the next process goes on with them.
      held?.release();
      hold?.release();
      return;
    }
    this.#watched.set(keyOf(pending), watched);
    if (this.#watched.size > MAX_PENDING) this.#giveUpOne();
    this.#arm();
  }

  seen(upstream: string, id: string, facts: ResponseFacts): void {
    const watched = this.#watched.get(keyOf({ upstream, id }));
    if (watched === undefined || watched.pending.hasEnded || facts.pendingId !== null) return;
    // A deleted object, a list and an error are no responses.
    if (facts.usage === null && facts.stopReason === null) return;
    this.#end(watched, { kind: "ended", facts });
  }

  /** Asks about responses that are due. Resolves when their replies are in. One look runs at a time. */
  look(): Promise<void> {
    this.#looking ??= this.#askDue().finally(() => {
      this.#looking = null;
      this.#arm();
    });
    return this.#looking;
  }

  async #askDue(): Promise<void> {
    const nowMs = this.#gateway().clock.nowMs();
    const due = inTurnsOfKeys(
      [...this.#watched.values()].filter(({ pending }) => !pending.hasEnded && pending.nextMs <= nowMs),
    ).slice(0, MAX_A_LOOK);
    let at = 0;
    const ask = async (): Promise<void> => {
      for (let next = due[at++]; next !== undefined; next = due[at++]) await this.#ask(next);
    };
    await Promise.all(Array.from({ length: MAX_AT_ONCE }, ask));
  }

  /** There are too many: the youngest response goes of the key that has most, so that no key crowds out another one. */
  #giveUpOne(): void {
    const open = [...this.#watched.values()].filter(({ pending }) => !pending.hasEnded);
    const counts = new Map<string, number>();
    for (const { pending } of open) counts.set(pending.row.key, (counts.get(pending.row.key) ?? 0) + 1);
    const most = Math.max(...counts.values());
    const one = open.findLast(({ pending }) => counts.get(pending.row.key) === most);
    if (one !== undefined) this.#end(one, { kind: "gone", reason: "too many at once" });
  }

  /** Ends all calls and gives back what is held: the next process goes on with the stored responses. */
  stop(): void {
    this.#isStopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    for (const watched of this.#watched.values()) {
      watched.call?.abort(givenUp());
      watched.held?.release();
      watched.held = null;
      watched.hold?.release();
      watched.hold = null;
    }
    this.#watched.clear();
  }

  /** After the last row is committed. */
  close(): void {
    this.#store.close();
  }

  async #ask(watched: Watched): Promise<void> {
    const { pending } = watched;
    const { snapshot } = this.#gateway();
    // A client's own look, or a stop, may have come first.
    if (this.#isStopped || pending.hasEnded) return;
    const upstream = snapshot.upstreams.get(pending.upstream);
    const credential = upstream?.credentials.get(`${pending.upstream}/${pending.credential}`);
    if (upstream === undefined || credential === undefined) {
      this.#end(watched, { kind: "gone", reason: "its upstream or credential is not configured any more" });
      return;
    }
    // A caller's own login is not kept, so only the caller's own look can tell of the end.
    const found: Found = upstream.callerCredentials
      ? { kind: "pending" }
      : await fetchResponse(this.#gateway(), upstream, credential, pending, (call) => {
          watched.call = call;
        });
    watched.call = null;
    // A client's own poll, or a stop, may have come first.
    if (this.#isStopped || pending.hasEnded) return;
    this.#try("a background response cannot be settled", () => this.#heard(watched, found));
  }

  #heard(watched: Watched, found: Found): void {
    const { pending } = watched;
    const { clock } = this.#gateway();
    pending.polls += 1;
    pending.misses = found.kind === "missing" ? pending.misses + 1 : 0;
    const ageMs = clock.nowMs() - pending.row.atMs;
    if (found.kind === "ended") this.#end(watched, found);
    else if (found.kind === "missing" && pending.misses >= MAX_MISSES) {
      this.#end(watched, { kind: "gone", reason: `the provider answers ${found.status}` });
    } else if (ageMs >= MAX_AGE_MS)
      this.#end(watched, { kind: "gone", reason: "it takes longer than a day" });
    else {
      const pauseMs = Math.min(FIRST_PAUSE_MS * PAUSE_GROWTH ** pending.polls, MAX_PAUSE_MS);
      pending.nextMs = clock.nowMs() + Math.round(pauseMs);
      this.#save(pending);
    }
  }

  /** The row is stored before it is committed, so that a crash in between commits the same row again, once. */
  #end(watched: Watched, end: End): void {
    const { pending } = watched;
    const { log } = this.#gateway();
    if (end.kind === "gone") {
      const { upstream, id } = pending;
      log.warn(
        { upstream, response: id, reason: end.reason },
        "the usage of a background response cannot be fetched: the most that it may be is booked as an estimate",
      );
    }
    Object.assign(pending.row, endOf(this.#gateway(), pending, end));
    pending.hasEnded = true;
    this.#save(pending);
    this.#commit(watched);
  }

  #commit(watched: Watched): void {
    const { pending } = watched;
    const { row } = pending;
    const charges = this.#charge(watched);
    settleBackground(this.#gateway(), row, charges, watched.hold, (failure) => {
      this.#watched.delete(keyOf(pending));
      // The row waits for the ledger. Should it be lost with this process, the next one commits it.
      if (failure !== null) return;
      this.#try("a background response cannot be forgotten", () =>
        this.#store.remove(pending.upstream, pending.id),
      );
    });
  }

  #charge(watched: Watched): readonly Charge[] {
    const { row, earlier } = watched.pending;
    this.#try("a limit cannot be charged", () => this.#hold(watched));
    const charges = watched.held?.settle(
      tokensOf(row.usage) + (earlier?.tokens ?? 0),
      (row.costNanoUsd ?? 0) + (earlier?.costNanoUsd ?? 0),
      row,
    );
    watched.held = null;
    return charges ?? [];
  }

  /** Takes room in the limits of the key again, after a restart. */
  #hold(watched: Watched): void {
    if (watched.held !== null) return;
    const { pending } = watched;
    const { row } = pending;
    const { limiter } = this.#gateway();
    const principal = this.#principalOf(row.key);
    if (principal === null || principal.limits === null) return;
    const needed = neededAgain(pending);
    const reservation = limiter.resume(principal, { model: row.modelAsked, ...needed, atMs: row.atMs });
    watched.held = reservation;
    if (pending.held === null || reservation.demand.costNanoUsd === needed.costNanoUsd) return;
    // What is open after a crash is told apart by what is stored as held.
    pending.held = null;
    this.#save(pending);
  }

  /** The same in the limits of its credential. */
  #holdOfCredential(watched: Watched): void {
    const { pending } = watched;
    const held = pending.credentialHeld;
    const id = credentialIdOf(pending.row);
    if (held === undefined || id === null) return;
    const { pool, clock } = this.#gateway();
    // What was taken of a minute that is over is free again.
    const tokens = clock.nowMs() - pending.row.atMs < MINUTE_MS ? held.tokens : 0;
    watched.hold = pool.counterOf(id)?.resume(tokens, held.costNanoUsd ?? 0, clock) ?? null;
    const costNanoUsd = watched.hold?.nanoUsd ?? 0;
    if (costNanoUsd === held.costNanoUsd) return;
    pending.credentialHeld = { ...held, costNanoUsd };
    this.#save(pending);
  }

  #principalOf(name: string): Principal | null {
    for (const principal of this.#gateway().snapshot.keys.values())
      if (principal.name === name) return principal;
    return null;
  }

  #save(pending: PendingResponse): void {
    const { upstream, id } = pending;
    this.#try("a background response cannot be stored, and a restart would forget it", () =>
      this.#store.save({ upstream, id, detail: pending }),
    );
  }

  /** Waits until the next response is due. */
  #arm(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    // A look that runs arms the timer at its end.
    if (this.#isStopped || this.#looking !== null) return;
    let nextMs = Number.POSITIVE_INFINITY;
    for (const { pending } of this.#watched.values())
      if (!pending.hasEnded) nextMs = Math.min(nextMs, pending.nextMs);
    if (nextMs === Number.POSITIVE_INFINITY) return;
    const waitMs = Math.min(Math.max(0, nextMs - this.#gateway().clock.nowMs()), MAX_PAUSE_MS);
    this.#timer = setTimeout(() => void this.look(), waitMs);
    this.#timer.unref();
  }

  /** An exception in one step costs that response alone. */
  #try(what: string, step: () => void): void {
    try {
      step();
    } catch (cause) {
      const error = cause instanceof Error ? cause.message : String(cause);
      this.#gateway().log.error({ error }, what);
    }
  }
}

/** Of each key the one that has waited longest, then of each key its next one: no key waits for all of another's. */
function inTurnsOfKeys(due: readonly Watched[]): readonly Watched[] {
  const counts = new Map<string, number>();
  const places = due
    .toSorted((a, b) => a.pending.nextMs - b.pending.nextMs)
    .map((watched) => {
      const turn = counts.get(watched.pending.row.key) ?? 0;
      counts.set(watched.pending.row.key, turn + 1);
      return { watched, turn };
    });
  return places.sort((a, b) => a.turn - b.turn).map(({ watched }) => watched);
}

function keyOf({ upstream, id }: Pick<PendingResponse, "upstream" | "id">): string {
  return `${upstream}/${id}`;
}
