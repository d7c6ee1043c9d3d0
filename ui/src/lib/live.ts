/** Live events of the gateway. The browser connects again by itself; a refused connection is tried again here. */
import type { LiveEvents } from "../../../src/admin/contract.ts";
import { addressOf } from "./api.ts";

export type LiveState = "connecting" | "open" | "lost";
type Listener<Name extends keyof LiveEvents> = (data: LiveEvents[Name]) => void;

const RETRY_MS = 2_000;

export class LiveFeed {
  #source: EventSource | null = null;
  #retry: ReturnType<typeof setTimeout> | null = null;
  #state: LiveState = "connecting";
  readonly #listeners = new Map<keyof LiveEvents, Set<Listener<never>>>();
  readonly #watchers = new Set<() => void>();

  get state(): LiveState {
    return this.#state;
  }

  /** Returns what ends it. */
  watch = (watcher: () => void): (() => void) => {
    this.#watchers.add(watcher);
    return () => void this.#watchers.delete(watcher);
  };

  /** Returns what ends it. */
  on<Name extends keyof LiveEvents>(name: Name, listener: Listener<Name>): () => void {
    const known = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, known.add(listener as Listener<never>));
    return () => void known.delete(listener as Listener<never>);
  }

  open(): void {
    if (this.#source !== null) return;
    const source = new EventSource(addressOf("live"));
    this.#source = source;
    source.onopen = () => this.#become("open");
    source.onerror = () => {
      this.#become("lost");
      if (source.readyState !== EventSource.CLOSED) return;
      this.#source = null;
      this.#retry = setTimeout(() => this.open(), RETRY_MS);
    };
    for (const name of ["snapshot", "credentials", "requests", "health", "config"] as const)
      source.addEventListener(name, ({ data }) => this.#tell(name, String(data)));
  }

  close(): void {
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#source?.close();
    this.#source = null;
    this.#become("connecting");
  }

  #tell(name: keyof LiveEvents, text: string): void {
    const data = JSON.parse(text) as never;
    for (const listener of this.#listeners.get(name) ?? []) listener(data);
  }

  #become(state: LiveState): void {
    if (state === this.#state) return;
    this.#state = state;
    for (const watcher of this.#watchers) watcher();
  }
}

export const liveFeed = new LiveFeed();
