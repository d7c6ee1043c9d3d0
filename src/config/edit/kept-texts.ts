/** Texts of the file that hold secrets, in memory alone and for ten minutes: for undo, and to compare with an older page. */
import type { Clock } from "../../core/clock.ts";

/** How long a replaced or removed secret can be brought back. */
export const KEPT_MS = 600_000;
const MAX_CHARS = 32 * 1024 * 1024;

export class KeptTexts<Text> {
  readonly #clock: Clock;
  readonly #sizeOf: (text: Text) => number;
  readonly #kept = new Map<string, { readonly text: Text; readonly untilMs: number }>();
  #chars = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(clock: Clock, sizeOf: (text: Text) => number) {
    this.#clock = clock;
    this.#sizeOf = sizeOf;
  }

  /** Keeps it for ten minutes from now on; the oldest ones go when all are too large. */
  keep(id: string, text: Text): void {
    this.#drop(id);
    this.#kept.set(id, { text, untilMs: this.#clock.monotonicMs() + KEPT_MS });
    this.#chars += this.#sizeOf(text);
    for (const oldest of this.#kept.keys()) {
      if (this.#chars <= MAX_CHARS || this.#kept.size === 1) break;
      this.#drop(oldest);
    }
    this.#forget();
  }

  find(id: string): Text | null {
    this.#forget();
    return this.#kept.get(id)?.text ?? null;
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#kept.clear();
    this.#chars = 0;
  }

  #drop(id: string): void {
    const kept = this.#kept.get(id);
    if (kept === undefined) return;
    this.#kept.delete(id);
    this.#chars -= this.#sizeOf(kept.text);
  }

  /** What is over goes, also when nobody asks. */
  #forget(): void {
    const nowMs = this.#clock.monotonicMs();
    for (const [id, { untilMs }] of this.#kept) if (untilMs <= nowMs) this.#drop(id);
    if (this.#kept.size === 0 || this.#timer !== null) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#forget();
    }, KEPT_MS / 10);
    this.#timer.unref?.();
  }
}
