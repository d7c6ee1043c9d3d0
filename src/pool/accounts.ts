/** All accounts that the pool's credentials are in, and what is learned of their limits. */

import { MIN_WAIT_MS } from "../upstreams/reset-time.ts";
import type { AnnouncedRoom, RoomFacts } from "../upstreams/room/room-facts.ts";
import type { Signal } from "../upstreams/signal.ts";
import { Account } from "./account.ts";
import type { HeldLease, PooledCredential } from "./credential.ts";
import type { KeptRoom } from "./kept-room.ts";
import { type QuotaBook, signatureOf } from "./quota-book.ts";

/** So many contradictions in a row are no change of a limit whose announcements overtook each other. */
const MAX_CONTRADICTIONS = 3;
const MAX_MODELS_SAID = 256;
/** So many replies in a row name another account, before a credential is taken to have moved. */
const MIN_TIMES_ELSEWHERE = 3;
/** Of an organization or a project, as the providers name them: replies may hold anything. */
const SANE_OWNER = /^[\w.:/-]{1,100}$/;

export class Accounts {
  /** By upstream and owner. */
  readonly #accounts = new Map<string, Account>();

  /**
   * Takes what a reply to the lease's attempt has announced. `refusal`: the meaning of a reply that was not good. True: the
   * limits tell why it was refused, and when there is room again.
   */
  learn(lease: HeldLease, model: string, facts: RoomFacts, refusal: Signal | null, nowMs: number): boolean {
    this.#learnAll(lease, model, facts, refusal !== null && "isOfModel" in refusal, nowMs);
    const { mark, wholeMark } = lease;
    if (refusal === null) {
      mark?.book.accepted(mark);
      wholeMark?.book.accepted(wholeMark);
    }
    if (refusal?.class !== "rate" || refusal.isGuess === true) return false;
    const isOfModel = mark?.book.explains(mark, refusal.untilMs, nowMs) ?? false;
    return (wholeMark?.book.explains(wholeMark, refusal.untilMs, nowMs) ?? false) || isOfModel;
  }

  #learnAll(
    lease: HeldLease,
    model: string,
    { owner, rooms }: RoomFacts,
    isOfModel: boolean,
    nowMs: number,
  ): void {
    const { credential } = lease;
    // A server in between may pass on the name of its own account, and then passes on no limits.
    if (owner !== null && rooms.some(({ limit }) => limit !== null) && hasMoved(credential, owner)) {
      this.#join(credential, owner);
    }
    if (rooms.length === 0) return;
    if (credential.spec.scope === "credential" && !isOfModel) {
      this.#learnBook(lease, null, rooms, nowMs);
      return;
    }
    if (rooms.every(isOfOneModel)) {
      this.#learnBook(lease, model, rooms, nowMs);
      return;
    }
    this.#learnBook(lease, model, rooms.filter(isOfOneModel), nowMs);
    const whole = rooms.filter((room) => !isOfOneModel(room));
    this.#learnBook(lease, null, whole, nowMs);
  }

  /** Takes what was kept over a restart. */
  restore(credential: PooledCredential, { owner, rooms }: KeptRoom, atMs: number): void {
    if (owner !== null) this.#join(credential, owner);
    for (const [model, kept] of rooms) {
      const book = credential.account.openBook(model === "" ? null : model);
      book?.learn(kept, book.mark(), atMs);
    }
  }

  /** Forgets the accounts that no credential is in. */
  keepOnly(credentials: Iterable<PooledCredential>): void {
    for (const account of this.#accounts.values()) account.members = 0;
    for (const { account } of credentials) if (account.owner !== null) account.members += 1;
    for (const [key, account] of this.#accounts) if (account.members === 0) this.#accounts.delete(key);
  }

  #learnBook(lease: HeldLease, model: string | null, rooms: readonly AnnouncedRoom[], nowMs: number): void {
    if (rooms.length === 0) return;
    const { credential } = lease;
    let book = credential.account.openBook(model);
    if (book === null) return;
    if (credential.account.members > 1 && this.#isOther(credential, book, model ?? "", rooms)) {
      credential.isAlone = true;
      this.#leave(credential);
      book = credential.account.openBook(model) as QuotaBook;
    }
    const mark = model === null ? lease.wholeMark : lease.mark;
    book.learn(rooms, mark?.book === book ? mark : book.mark(), nowMs);
  }

  #isOther(
    credential: PooledCredential,
    book: QuotaBook,
    model: string,
    rooms: readonly AnnouncedRoom[],
  ): boolean {
    const { said } = credential;
    const now = signatureOf(rooms);
    const isContradiction = book.isContradictedBy(credential, now, said.get(model));
    if (said.size >= MAX_MODELS_SAID && !said.has(model)) said.clear();
    said.set(model, now);
    credential.contradictions = isContradiction ? credential.contradictions + 1 : 0;
    return credential.contradictions >= MAX_CONTRADICTIONS;
  }

  #join(credential: PooledCredential, owner: string): void {
    if (credential.account.owner === owner || credential.isAlone || !SANE_OWNER.test(owner)) return;
    this.#leave(credential);
    const key = keyOf(credential, owner);
    const account = this.#accounts.get(key) ?? new Account(owner);
    this.#accounts.set(key, account);
    account.members += 1;
    credential.account = account;
  }

  /** An account that nobody is in any more is forgotten. */
  #leave(credential: PooledCredential): void {
    const { account } = credential;
    credential.account = new Account(null);
    if (account.owner === null) return;
    account.members -= 1;
    if (account.members === 0) this.#accounts.delete(keyOf(credential, account.owner));
  }
}

/** One reply alone moves nobody out of a known account: a balancer may stand before two of them. */
function hasMoved(credential: PooledCredential, owner: string): boolean {
  const { account } = credential;
  if (account.owner === null) return true;
  const isNew = account.owner !== owner;
  credential.timesElsewhere = isNew && credential.elsewhere === owner ? credential.timesElsewhere + 1 : 1;
  credential.elsewhere = isNew && SANE_OWNER.test(owner) ? owner : null;
  return isNew && credential.timesElsewhere >= MIN_TIMES_ELSEWHERE;
}

function keyOf({ spec }: PooledCredential, owner: string): string {
  return JSON.stringify([spec.upstream, owner]);
}

function isOfOneModel({ scope }: AnnouncedRoom): boolean {
  return scope === "model";
}

/** When a limit of which nothing is left is whole again at once, Unix milliseconds; null: there is none worth waiting for. */
export function spentUntilMs(rooms: readonly AnnouncedRoom[], nowMs: number): number | null {
  let untilMs: number | null = null;
  for (const { remaining, isGradual, resetAtMs } of rooms) {
    if (remaining > 0 || isGradual || resetAtMs === null || resetAtMs < nowMs + MIN_WAIT_MS) continue;
    untilMs = Math.max(untilMs ?? resetAtMs, resetAtMs);
  }
  return untilMs;
}
