/** What an attempt is made of, and how it ends. */
import type { GatewayError } from "../../core/errors.ts";
import type { Peek } from "../../dialects/dialect.ts";
import type { Drop } from "../../neutral/request.ts";
import type { Target } from "../../plan/plan.ts";
import type { UpstreamView } from "../../snapshot.ts";
import type { Translator } from "../../translate/request.ts";
import type { TranslatedRequest } from "../../translate/translated-request.ts";
import type { Repair } from "../../upstreams/repair.ts";
import type { Signal } from "../../upstreams/signal.ts";
import type { Exchange } from "../exchange.ts";
import type { Gateway } from "../gateway.ts";

/** The upstream's own error reply, kept in case it is what the client should see. */
export interface KeptReply {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: Uint8Array<ArrayBuffer>;
}

export type AttemptResult =
  | { readonly reply: Response }
  | {
      /** What the failure says about the credential; `overload` also for transport. */
      readonly signal: Signal;
      readonly error: GatewayError;
      readonly kept: KeptReply | null;
      /** What would make the upstream take the request after all. */
      readonly repair: Repair | null;
    }
  | { readonly clientLeft: true };

export interface AttemptInput {
  readonly gateway: Gateway;
  readonly exchange: Exchange;
  readonly upstream: UpstreamView;
  readonly target: Target;
  readonly body: Uint8Array | null;
  readonly peek: Peek | null;
  /** What reads and writes other dialects. */
  readonly translator: Translator;
  /** null: the request is relayed. */
  readonly translated: TranslatedRequest | null;
  /** Of a relayed request: what was taken out of it. */
  readonly dropped: readonly Drop[];
}
