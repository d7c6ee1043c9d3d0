/** The room that a provider announces beside a reply: what is left of the limits of its credential. */
import type { SignalScope } from "../signal.ts";

/** `tokens`: input and output together. */
export type Dimension = "requests" | "input" | "output" | "tokens";

/** The time that a limit counts; `other`: the provider names none, so its reset alone is known. */
export type Span = "minute" | "day" | "month" | "other";

export interface AnnouncedRoom {
  readonly dimension: Dimension;
  readonly span: Span;
  readonly scope: SignalScope;
  /** null: the provider does not say. */
  readonly limit: number | null;
  readonly remaining: number;
  /** `remaining` is rounded to the nearest multiple of it. Absent: it is exact. */
  readonly roundedTo?: number;
  /** When all of the limit is there again, Unix milliseconds; null: it is not said, or `limit` and `span` tell it. */
  readonly resetAtMs: number | null;
  /** Room comes back little by little. Otherwise it comes back at the reset, all at once. */
  readonly isGradual: boolean;
  /** A request needs room for its longest answer. Otherwise an answer counts as it is written. */
  readonly isReserved: boolean;
  /** Input that is read from the prompt cache does not count. Absent: it counts. */
  readonly sparesCacheReads?: boolean;
}

export interface RoomFacts {
  /** The organization or project whose limits these are; null: the reply does not say. */
  readonly owner: string | null;
  readonly rooms: readonly AnnouncedRoom[];
}
