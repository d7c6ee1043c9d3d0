/** What is sent to a channel, and what came of it. */

import { isPublicAddress } from "../core/public-address.ts";
import type { Resolve } from "../transport/pinned-call.ts";
import type { Channel } from "./channel.ts";

export interface Call {
  /** Receivers know a repeated call by it. Without a full stop. */
  readonly id: string;
  /** The payload as an event, and its text alone. */
  readonly event: string;
  readonly text: string;
}

/** `problem` is public: it names no more of the address than its origin. */
export type Delivery =
  | {
      readonly isTaken: true;
      readonly status: number;
      /** What the person who tests the channel should know all the same. */
      readonly note?: string;
    }
  | {
      readonly isTaken: false;
      /** Of HTTP or SMTP; null: no reply. */
      readonly status: number | null;
      readonly problem: string;
      readonly retryAfterMs: number | null;
      /** The beginning of what the receiver says. Only for the person who tests the channel: it may hold anything. */
      readonly body: string;
    };

export type Failure = Delivery & { readonly isTaken: false };

export type Send = (channel: Channel, call: Call, nowMs: number) => Promise<Delivery>;

export interface SendOptions {
  /** All addresses of a host name; the system's resolver when absent. */
  readonly resolve?: Resolve | undefined;
  /** For the whole call; 15 s when absent, which Standard Webhooks advise. */
  readonly timeoutMs?: number;
  /** Authorities in place of the system's, for e-mail; for tests. */
  readonly ca?: string | undefined;
}

/** How one call connects. */
export interface Line extends Omit<SendOptions, "timeoutMs"> {
  readonly signal: AbortSignal;
}

export function failed(receiver: string, status: number | null, problem: string): Failure {
  return { isTaken: false, status, problem: `${receiver} ${problem}`, retryAfterMs: null, body: "" };
}

/** Why the channel may not be called at these addresses; null: it may. */
export function addressFault(channel: Channel, addresses: readonly string[]): string | null {
  if (addresses.length === 0) return "has no address that DNS knows";
  if (channel.allowPrivate || addresses.every(isPublicAddress)) return null;
  return `leads to an address that is not public; set ${channel.setting}.allow_private = true if it is meant`;
}

const MAX_SHOWN_CHARS = 300;

/** In printable characters. */
export function beginningOf(text: string): string {
  return text
    .replaceAll(/[\p{C}\s]+/gu, " ")
    .trim()
    .slice(0, MAX_SHOWN_CHARS);
}
