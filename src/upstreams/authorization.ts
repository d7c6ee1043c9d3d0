/** Shows a credential in the headers of a family's requests. */
import type { Clock } from "../core/clock.ts";
import type { HeaderLines, HeaderView } from "../core/header-view.ts";
import type { Signal } from "./signal.ts";

/** The parts of an upstream request that depend on the client's request. */
export interface UpstreamRequestParts {
  readonly url: string;
  readonly method: string;
  readonly headers: HeaderLines;
  readonly body: Uint8Array | null;
}

export interface TextReply {
  readonly status: number;
  readonly headers: HeaderView;
  readonly body: string;
}

/**
 * Sends a request of the gateway's own, such as one for a token. Rejects with `GatewayError` when the
 * connection fails.
 */
export type SendText = (request: UpstreamRequestParts) => Promise<TextReply>;

export interface AccessToken {
  readonly value: string;
  readonly expiresAtMs: number;
}

/** The header lines are the same in every request with a credential, so they are made once. */
export interface FixedAuthorization {
  readonly kind: "fixed";
  /** Names of the lines. The client's own headers of these names are not passed on. */
  readonly headerNames: readonly string[];
  lines(secret: string): HeaderLines;
}

/** Each request gets its own header lines: a signature, a token that expires, or both. */
export interface RequestAuthorization {
  readonly kind: "request";
  /** See `FixedAuthorization`. */
  readonly headerNames: readonly string[];
  /** The strings within a configured secret that no client may see. */
  secretsOf(secret: string): readonly string[];
  /** Gets a token in exchange for the secret. Throws `AccessRefused` when the provider refuses it. */
  refresh?(secret: string, send: SendText, clock: Clock): Promise<AccessToken>;
  /**
   * A promise only where an asynchronous library makes the signature. `token` is "" for a family without
   * `refresh`.
   */
  authorize(
    request: UpstreamRequestParts,
    secret: string,
    token: string,
    nowMs: number,
  ): HeaderLines | Promise<HeaderLines>;
}

export type Authorization = FixedAuthorization | RequestAuthorization;

/** The provider refuses the gateway a token for a credential. */
export class AccessRefused extends Error {
  readonly signal: Exclude<Signal, { readonly class: "ok" }>;
  readonly status: number;

  constructor(signal: AccessRefused["signal"], status: number) {
    super(signal.reason);
    this.name = "AccessRefused";
    this.signal = signal;
    this.status = status;
  }
}

/** One credential of an upstream, ready to authorize requests. */
export interface CredentialAccess {
  /** The lines of every request; null: `authorize` makes the lines of each request. */
  readonly fixedLines: HeaderLines | null;
  /** The strings that no client may see. */
  readonly secrets: readonly string[];
  authorize(request: UpstreamRequestParts, send: SendText, clock: Clock): HeaderLines | Promise<HeaderLines>;
  /** The provider refused the token, so the next request gets a new one. */
  forgetToken(): void;
}

export function makeCredentialAccess(authorization: Authorization, secret: string): CredentialAccess {
  if (authorization.kind === "request") return new RequestAccess(authorization, secret);
  const fixedLines = authorization.lines(secret);
  return { fixedLines, secrets: [secret], authorize: () => fixedLines, forgetToken: () => undefined };
}

/** A token is renewed this long before it expires, because a request takes time to arrive. */
const EXPIRY_MARGIN_MS = 60_000;

class RequestAccess implements CredentialAccess {
  readonly fixedLines = null;
  readonly #authorization: RequestAuthorization;
  readonly #secret: string;
  readonly #ownSecrets: readonly string[];
  #token: AccessToken | null = null;
  /** Replies to requests with this token may still come. */
  #formerToken: AccessToken | null = null;
  /** The running refresh. Every request that needs a token waits for it. */
  #refreshing: Promise<AccessToken> | null = null;

  constructor(authorization: RequestAuthorization, secret: string) {
    this.#authorization = authorization;
    this.#secret = secret;
    this.#ownSecrets = authorization.secretsOf(secret);
  }

  get secrets(): readonly string[] {
    const tokens = [this.#token, this.#formerToken].filter((token) => token !== null);
    return [...this.#ownSecrets, ...tokens.map(({ value }) => value)];
  }

  authorize(request: UpstreamRequestParts, send: SendText, clock: Clock): HeaderLines | Promise<HeaderLines> {
    const authorization = this.#authorization;
    if (authorization.refresh === undefined)
      return authorization.authorize(request, this.#secret, "", clock.nowMs());
    const token = this.#token;
    if (token !== null && token.expiresAtMs - EXPIRY_MARGIN_MS > clock.nowMs())
      return authorization.authorize(request, this.#secret, token.value, clock.nowMs());
    this.#refreshing ??= authorization
      .refresh(this.#secret, send, clock)
      .then((fresh) => {
        this.#formerToken = this.#token;
        this.#token = fresh;
        return fresh;
      })
      .finally(() => {
        this.#refreshing = null;
      });
    return this.#refreshing.then(({ value }) =>
      authorization.authorize(request, this.#secret, value, clock.nowMs()),
    );
  }

  forgetToken(): void {
    if (this.#token !== null) this.#token = { ...this.#token, expiresAtMs: 0 };
  }
}
