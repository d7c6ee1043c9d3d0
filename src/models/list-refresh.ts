/** Keeps the facts of the upstreams' model lists fresh. No request waits for it. */
import type { ModelLists } from "./model-lists.ts";

const INTERVAL_MS = 3_600_000;
/** Not at once: a start, or a file that is being edited, must not cost the providers requests. */
const FIRST_MS = 60_000;

export class ListRefresh {
  readonly #lists: Pick<ModelLists, "refresh">;
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(lists: Pick<ModelLists, "refresh">) {
    this.#lists = lists;
  }

  /** Starts anew: soon for the first time, then at long intervals. */
  restart(): void {
    this.#schedule(FIRST_MS);
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #schedule(inMs: number): void {
    this.stop();
    this.#timer = setTimeout(() => {
      void this.#lists.refresh();
      this.#schedule(INTERVAL_MS);
    }, inMs);
    this.#timer.unref();
  }
}
