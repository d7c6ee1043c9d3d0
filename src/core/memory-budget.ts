/**
 * Bounds what all requests together may hold in memory: bodies as they came and as they were decoded, what is sent to
 * upstreams, and replies that are read whole. The limit of one body says nothing about a thousand of them.
 */
import { GatewayError } from "./errors.ts";

/** A request that holds no more is never refused: there are no more of them than connections. */
const FREE_BYTES = 64 * 1024;

/** A stream that holds no more itself goes on, whatever others hold. */
const LEAST_HELD_BYTES = 1024 * 1024;

const COME_BACK_MS = 1_000;

/** Where bytes are counted. */
export interface ByteRoom {
  /** False: there is no room for so many more, and none is taken. */
  take(bytes: number): boolean;
}

/** What the requests of one key hold. */
interface KeyUse {
  requests: number;
  bytes: number;
  /** So much room was not enough for a body of unknown size; 0: there was no such body, or there is more room now. */
  shortBytes: number;
}

export class MemoryBudget {
  limitBytes: number;
  #usedBytes = 0;
  /** How often there was no room. */
  #refusals = 0;
  readonly #keys = new Map<string, KeyUse>();

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  get refusals(): number {
    return this.#refusals;
  }

  /** The part of one request, which `end` gives back. */
  open(key: string): MemoryShare {
    let use = this.#keys.get(key);
    if (use === undefined) {
      use = { requests: 0, bytes: 0, shortBytes: 0 };
      this.#keys.set(key, use);
    }
    use.requests++;
    return new MemoryShare(this, key, use);
  }

  /** What a key may take now: all that is left, or half of the whole while another key has a request. */
  roomOf({ bytes }: KeyUse): number {
    const most = this.#keys.size > 1 ? this.limitBytes / 2 : this.limitBytes;
    return Math.max(0, Math.min(this.limitBytes - this.#usedBytes, most - bytes));
  }

  /** Adds what a key holds; less than 0: it gives back. */
  count(use: KeyUse, bytes: number): void {
    use.bytes += bytes;
    this.#usedBytes += bytes;
  }

  refused(): void {
    this.#refusals++;
  }

  close(key: string, use: KeyUse): void {
    use.requests--;
    if (use.requests === 0) this.#keys.delete(key);
  }
}

/** What one request holds. */
export class MemoryShare implements ByteRoom {
  readonly #budget: MemoryBudget;
  readonly #key: string;
  readonly #use: KeyUse;
  #bytes = 0;
  #isOver = false;

  constructor(budget: MemoryBudget, key: string, use: KeyUse) {
    this.#budget = budget;
    this.#key = key;
    this.#use = use;
  }

  take(bytes: number): boolean {
    const isFree = this.#bytes + bytes <= FREE_BYTES;
    if (this.#isOver || (!isFree && bytes > this.#budget.roomOf(this.#use))) {
      this.#budget.refused();
      return false;
    }
    this.#count(bytes);
    return true;
  }

  /** Takes so many bytes, or as many as there is room for. Returns how many. */
  takeUpTo(bytes: number): number {
    if (this.#isOver) return 0;
    const free = Math.max(0, FREE_BYTES - this.#bytes);
    const roomBytes = Math.floor(this.#budget.roomOf(this.#use));
    // Another body of the key would fill this room, and most likely in vain as well.
    const isEnough = roomBytes > this.#use.shortBytes;
    if (isEnough) this.#use.shortBytes = 0;
    const taken = Math.min(bytes, Math.max(free, isEnough ? roomBytes : 0));
    this.#count(taken);
    return taken;
  }

  /** What `takeUpTo` took was not enough. */
  refuse(): GatewayError {
    this.#use.shortBytes = Math.max(this.#use.shortBytes, Math.floor(this.#budget.roomOf(this.#use)));
    this.#budget.refused();
    return memoryExhausted();
  }

  /** Some of the bytes are held no more. */
  give(bytes: number): void {
    if (!this.#isOver) this.#count(-Math.min(bytes, this.#bytes));
  }

  /**
   * Counts so many bytes more (or less), whether there is room for them or not: they are there already. False: there is no
   * room, so that others are refused meanwhile.
   */
  hold(bytes: number): boolean {
    if (this.#isOver) return true;
    const hasRoom = bytes <= this.#budget.roomOf(this.#use);
    this.#count(Math.max(bytes, -this.#bytes));
    return hasRoom;
  }

  /** The request is over, and holds nothing. Further calls do nothing. */
  end(): void {
    if (this.#isOver) return;
    this.#count(-this.#bytes);
    this.#isOver = true;
    this.#budget.close(this.#key, this.#use);
  }

  #count(bytes: number): void {
    this.#bytes += bytes;
    this.#budget.count(this.#use, bytes);
  }
}

/** What one part of a running stream holds beside the bytes that flow. What most streams hold is not counted. */
export class HeldBytes {
  readonly #share: MemoryShare;
  #counted = 0;

  constructor(share: MemoryShare) {
    this.#share = share;
  }

  /** So many bytes are held now. False: they are many, and there is no room for them in the budget of all. */
  set(bytes: number): boolean {
    const counted = bytes > FREE_BYTES ? bytes : 0;
    if (counted === this.#counted) return true;
    const hasRoom = this.#share.hold(counted - this.#counted);
    this.#counted = counted;
    return hasRoom || counted <= LEAST_HELD_BYTES;
  }
}

/** The error for a request that there is no room for. */
export function memoryExhausted(): GatewayError {
  return new GatewayError(
    "memory_exhausted",
    "the gateway holds as many bytes of requests and answers as it may (server.memory_bytes); send the request again",
    { retryAfterMs: COME_BACK_MS },
  );
}
