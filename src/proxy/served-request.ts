/**
 * A request that has been read and planned, with the gateway that serves it. Every later phase gets this one
 * object.
 */
import { findEndOfKey, type KeyRing } from "../auth/keys.ts";
import type { GatewayError } from "../core/errors.ts";
import type { Peek } from "../dialects/dialect.ts";
import { type Prefix, prefixOf } from "../dialects/prefix.ts";
import { COPIES } from "../http/body.ts";
import type { PinnedTo } from "../http/client-request.ts";
import { likelyInputTokens } from "../neutral/estimate.ts";
import { bytesWithoutMedia } from "../neutral/inline-media.ts";
import type { Drop } from "../neutral/request.ts";
import { ReplyTranslator, type TranslationOwner } from "../translate/reply.ts";
import { RequestTranslator } from "../translate/request.ts";
import type { CallerLogin } from "../upstreams/authorization.ts";
import { readLogin } from "./attempt/caller-login.ts";
import type { TakenDetours } from "./detour/detours.ts";
import type { Exchange } from "./exchange.ts";
import type { Gateway } from "./gateway.ts";

export class ServedRequest implements TranslationOwner {
  readonly gateway: Gateway;
  readonly exchange: Exchange;
  /** null: the route has no body, or nothing needs the body any more. */
  #body: Uint8Array | null;
  #peek: Peek | null;
  /** The credential that holds the stored object which the request names; null: none is known. */
  readonly sticky: PinnedTo | null;
  /** null: the model has none. */
  detours: TakenDetours | null = null;
  /** The keys when the request was planned. */
  readonly #keys: KeyRing;
  /** undefined: nobody has asked for it. */
  #login: CallerLogin | null | undefined = undefined;
  #translator: RequestTranslator | null = null;
  #replies: ReplyTranslator | null = null;

  constructor(
    gateway: Gateway,
    exchange: Exchange,
    body: Uint8Array | null,
    peek: Peek | null,
    sticky: PinnedTo | null,
  ) {
    this.gateway = gateway;
    this.exchange = exchange;
    this.#body = body;
    this.#peek = peek;
    this.sticky = sticky;
    this.#keys = gateway.snapshot.keys;
  }

  /** Why the client's key may not be used any more; null: it may. Cheap as long as no key has changed. */
  get endOfKey(): GatewayError | null {
    const { snapshot, clock } = this.gateway;
    const { principal } = this.exchange;
    if (snapshot.keys === this.#keys && principal.expiresAtMs === null) return null;
    return findEndOfKey(snapshot.keys, principal, clock);
  }

  /** The caller's own login at a provider; null: it shows none. Read only for an upstream that takes it. */
  get login(): CallerLogin | null {
    if (this.#login === undefined) this.#login = readLogin(this.#keys, this.exchange.client);
    return this.#login;
  }

  get body(): Uint8Array | null {
    return this.#body;
  }

  get peek(): Peek | null {
    return this.#peek;
  }

  /** The stable prefix of the prompt; null: there is none, or affinity is off. Found when it is asked for first, and kept for the row's end. */
  get prefix(): Prefix | null {
    const { exchange } = this;
    if (exchange.prefix === undefined) {
      const { dialect, isGenerative } = exchange.route;
      const isWanted = isGenerative && this.gateway.snapshot.config.pool.affinity;
      exchange.prefix = isWanted && this.#body !== null ? prefixOf(dialect, this.#body) : null;
    }
    return exchange.prefix;
  }

  /** The request's bytes, with media counted as if their tokens were text. Read only where announced room counts tokens. */
  get likelyBytes(): number {
    const { exchange } = this;
    exchange.likelyBytes ??= this.#body === null ? exchange.requestBytes : bytesWithoutMedia(this.#body);
    return exchange.likelyBytes;
  }

  /** The request cannot be sent again, so its body is not kept through a long answer. */
  letGoOfBody(): void {
    this.exchange.memory.give(COPIES * (this.#body?.byteLength ?? 0));
    this.#body = null;
    this.#peek = null;
    this.#translator?.letGoOfBody();
  }

  /** Made when a target speaks another dialect: most requests are relayed and need none. */
  get translator(): RequestTranslator {
    this.#translator ??= new RequestTranslator(this);
    return this.#translator;
  }

  get replies(): ReplyTranslator {
    this.#replies ??= new ReplyTranslator(this, this.translator, this);
    return this.#replies;
  }

  loses(drop: Drop): void {
    this.exchange.loses(drop);
  }

  get promptTokens(): number | null {
    if (this.#body === null && this.exchange.likelyBytes === null) return null;
    return likelyInputTokens(this.likelyBytes, null);
  }
}
