/**
 * The answers in memory, the one that was used last at the end, and the room that answers on their way hold. The bytes of
 * both together stay within the cap.
 */
import { type KeptAnswer, sizeOf } from "./kept-answer.ts";

/** An answer may take up to so large a part of the memory: a larger one would push too many others out. */
const LARGEST_SHARE = 1 / 8;

export interface MemoryLimits {
  readonly memoryBytes: number;
  readonly lifeMs: number;
}

interface Entry {
  readonly answer: KeptAnswer;
  readonly sizeBytes: number;
  /** Clients that get the answer at the moment: its bytes are there as long as one does. */
  readers: number;
  isKept: boolean;
}

/** An answer that a client gets at the moment. `giveBack` is called once. */
export interface LentAnswer {
  readonly answer: KeptAnswer;
  giveBack(): void;
}

export class AnswerMemory {
  #limits: MemoryLimits;
  readonly #entries = new Map<string, Entry>();
  #entryBytes = 0;
  #heldBytes = 0;

  constructor(limits: MemoryLimits) {
    this.#limits = limits;
  }

  /** Bytes of answers, those on their way included. */
  get bytes(): number {
    return this.#entryBytes + this.#heldBytes;
  }

  get size(): number {
    return this.#entries.size;
  }

  get largestBytes(): number {
    return Math.floor(this.#limits.memoryBytes * LARGEST_SHARE);
  }

  replace(limits: MemoryLimits): void {
    this.#limits = limits;
    this.#makeRoom(0);
  }

  /** null: there is none, or its life is over. */
  lend(key: string, nowMs: number): LentAnswer | null {
    const entry = this.#entries.get(key);
    if (entry === undefined) return null;
    if (nowMs - entry.answer.atMs >= this.#limits.lifeMs) {
      this.forget(key);
      return null;
    }
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    entry.readers += 1;
    return { answer: entry.answer, giveBack: () => this.#giveBack(entry) };
  }

  /** Lends an answer that is not kept here. null: there is no room. */
  lendOther(answer: KeptAnswer): LentAnswer | null {
    const sizeBytes = sizeOf(answer);
    if (!this.hold(sizeBytes)) return null;
    return { answer, giveBack: () => this.release(sizeBytes) };
  }

  /** Keeps the answer in place of an earlier one. False: it is too large. */
  keep(key: string, answer: KeptAnswer): boolean {
    this.forget(key);
    const sizeBytes = sizeOf(answer);
    if (sizeBytes > this.largestBytes || !this.#makeRoom(sizeBytes)) return false;
    this.#entries.set(key, { answer, sizeBytes, readers: 0, isKept: true });
    this.#entryBytes += sizeBytes;
    return true;
  }

  forget(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#entryBytes -= entry.sizeBytes;
    entry.isKept = false;
    if (entry.readers > 0) this.#heldBytes += entry.sizeBytes;
  }

  clear(): void {
    for (const key of [...this.#entries.keys()]) this.forget(key);
  }

  /** Room for an answer on its way, for which kept ones may have to go. False: there is none. */
  hold(bytes: number): boolean {
    if (!this.#makeRoom(bytes)) return false;
    this.#heldBytes += bytes;
    return true;
  }

  release(bytes: number): void {
    this.#heldBytes -= bytes;
  }

  /** Takes the answers out whose life is over: nobody may ask for them again. */
  sweep(nowMs: number): void {
    for (const [key, { answer }] of this.#entries)
      if (nowMs - answer.atMs >= this.#limits.lifeMs) this.forget(key);
  }

  #giveBack(entry: Entry): void {
    entry.readers -= 1;
    if (entry.readers === 0 && !entry.isKept) this.#heldBytes -= entry.sizeBytes;
  }

  #makeRoom(bytes: number): boolean {
    const { memoryBytes } = this.#limits;
    if (this.#heldBytes + bytes > memoryBytes) {
      // Nothing that is kept can make the room; after a reload with less memory, all of it goes.
      if (this.#heldBytes > memoryBytes) this.clear();
      return false;
    }
    for (const key of this.#entries.keys()) {
      if (this.bytes + bytes <= memoryBytes) break;
      this.forget(key);
    }
    // What clients get at the moment stays until they have it.
    return this.bytes + bytes <= memoryBytes;
  }
}
