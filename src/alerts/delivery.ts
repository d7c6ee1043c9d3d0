/** What is sent to a channel, how it gets there, and what came of it. */
import type { NetworkConfig } from "../config/network/network-keys.ts";
import { isPublicAddress } from "../core/addresses/public-address.ts";
import type { GatewayError } from "../core/errors.ts";
import type { Transport } from "../transport/call.ts";
import { guardTarget, type Resolve } from "../transport/guarded-target.ts";
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
  readonly transport: Transport;
  /** The way to the receivers, as it is in force. */
  readonly network: () => NetworkConfig;
  /** All addresses of a host name; the system's resolver when absent. */
  readonly resolve?: Resolve | undefined;
  /** For the whole call; 15 s when absent, which Standard Webhooks advise. */
  readonly timeoutMs?: number;
}

/** How one call connects. */
export interface Line {
  readonly transport: Transport;
  readonly network: NetworkConfig;
  readonly resolve?: Resolve | undefined;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

export function failed(receiver: string, status: number | null, problem: string): Failure {
  return { isTaken: false, status, problem: `${receiver} ${problem}`, retryAfterMs: null, body: "" };
}

/** The addresses to connect to, none where a proxy looks the name up; or why the channel may not be called there. */
export async function addressesOf(
  { allowPrivate, setting }: Channel,
  target: URL,
  { network: { via, proxyRefusesPrivate }, resolve }: Line,
): Promise<{ readonly addresses?: readonly string[] } | { readonly fault: string }> {
  const guarded = await guardTarget(target, {
    isAllowed: (address) => allowPrivate || address === null || isPublicAddress(address),
    via,
    proxyRefusesPrivate: proxyRefusesPrivate || allowPrivate,
    resolve,
  });
  if (guarded.isAllowed) return guarded.addresses === undefined ? {} : { addresses: guarded.addresses };
  switch (guarded.why) {
    case "unknown":
      return { fault: "has no address that DNS knows" };
    case "address":
      return {
        fault: `leads to an address that is not public; set ${setting}.allow_private = true if it is meant`,
      };
    case "unchecked":
      return {
        fault:
          "is looked up by the proxy on the way, so nobody here knows where it leads; set network.proxy_refuses_private = true if the proxy refuses private addresses",
      };
  }
}

/** Why there is no reply, in public words. */
export function whyNot({ kind, message }: GatewayError): string {
  if (kind === "proxy_failed") return `cannot be reached: ${message}`;
  return /TLS certificate/.test(message) ? "has a TLS certificate that is not accepted" : "cannot be reached";
}

const MAX_SHOWN_CHARS = 300;

/** In printable characters. */
export function beginningOf(text: string): string {
  return text
    .replaceAll(/[\p{C}\s]+/gu, " ")
    .trim()
    .slice(0, MAX_SHOWN_CHARS);
}
