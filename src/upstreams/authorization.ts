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

/** A request of the gateway's own. `isDirect`: to a service of this machine, which no proxy can reach. */
export type OwnRequest = UpstreamRequestParts & { readonly isDirect?: true };

/**
 * Sends a request of the gateway's own, such as one for a token. Rejects with `GatewayError` when the
 * connection fails.
 */
export type SendText = (request: OwnRequest) => Promise<TextReply>;

/** A token and how long it may be shown, from the moment of the reply that brought it. */
export interface AccessToken {
  readonly value: string;
  readonly lifetimeMs: number;
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
  /** Reads a configured secret, once for all requests. */
  open(secret: string): OpenSecret;
}

/** A secret that was read. */
export interface OpenSecret {
  /** The strings within it that no client may see. */
  readonly secrets: readonly string[];
  /** Gets a token in exchange for it; rejects with `AccessRefused` when the provider refuses. Absent: it needs none. */
  refresh?(send: SendText, clock: Clock): Promise<AccessToken>;
  /** A promise only where an asynchronous library makes the signature. `token` is "" without `refresh`. */
  authorize(request: UpstreamRequestParts, token: string, nowMs: number): HeaderLines | Promise<HeaderLines>;
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
  /** `onLateToken` hears why a renewal ahead of time has failed: no request fails with it, so nobody else would tell. */
  authorize(
    request: UpstreamRequestParts,
    send: SendText,
    clock: Clock,
    onLateToken?: (cause: unknown) => void,
  ): HeaderLines | Promise<HeaderLines>;
  /**
   * The provider refused a request with these lines, so the next request gets a new token. Returns whether the refused request
   * may be good with one: its own token was not got for it.
   */
  forgetToken(lines: HeaderLines): boolean;
}

/** `more`: further strings that no client may see. */
export function makeCredentialAccess(
  authorization: Authorization,
  secret: string,
  more: readonly string[] = [],
): CredentialAccess {
  if (authorization.kind === "request") return new RequestAccess(authorization.open(secret), more);
  const fixedLines = authorization.lines(secret);
  return { fixedLines, secrets: [secret, ...more], authorize: () => fixedLines, forgetToken: () => false };
}

/** The login that a caller itself shows at the provider. */
export interface CallerLogin {
  /** As the caller has sent them. */
  readonly lines: HeaderLines;
  /** The strings in them that no text may show. */
  readonly secrets: readonly string[];
}

/** Shows a caller's own login as it is, whatever the family. */
export function showLogin({ lines, secrets }: CallerLogin): CredentialAccess {
  return { fixedLines: lines, secrets, authorize: () => lines, forgetToken: () => false };
}

/**
 * A token that expires so soon is not shown any more, because a request takes time to arrive; of a short-lived token a tenth
 * of its life.
 */
const EXPIRY_MARGIN_MS = 60_000;
/**
 * A token that expires so soon is renewed, while requests go on with it; of a short-lived token a quarter of its life. Google's
 * metadata server gives the same token until 5 minutes before it expires.
 */
const RENEWAL_MS = 240_000;
/** After a renewal ahead of time has failed, the next one waits so long. */
const RENEWAL_PAUSE_MS = 10_000;

/** A token in use, by the clock of the gateway. */
interface TokenInUse {
  readonly value: string;
  /** From then on a new token is got, by the request that comes first. */
  readonly renewAtMs: number;
  /** From then on requests wait for the new token. */
  readonly uselessAtMs: number;
}

class RequestAccess implements CredentialAccess {
  readonly fixedLines = null;
  readonly #secret: OpenSecret;
  readonly #more: readonly string[];
  #token: TokenInUse | null = null;
  /** Replies to requests with this token may still come. */
  #formerToken: TokenInUse | null = null;
  #secrets: readonly string[];
  /** The running refresh. Every request that needs a token waits for it. */
  #refreshing: Promise<TokenInUse> | null = null;
  /** No renewal ahead of time begins before. */
  #renewsFromMs = Number.NEGATIVE_INFINITY;
  /** The lines of requests that waited for their token: no token is newer than theirs. */
  readonly #freshLines = new WeakSet<HeaderLines>();

  constructor(secret: OpenSecret, more: readonly string[]) {
    this.#secret = secret;
    this.#more = more;
    this.#secrets = [...secret.secrets, ...more];
  }

  /** The same list as long as the token is the same. */
  get secrets(): readonly string[] {
    return this.#secrets;
  }

  authorize(
    request: UpstreamRequestParts,
    send: SendText,
    clock: Clock,
    onLateToken?: (cause: unknown) => void,
  ): HeaderLines | Promise<HeaderLines> {
    const secret = this.#secret;
    const nowMs = clock.nowMs();
    if (secret.refresh === undefined) return secret.authorize(request, "", nowMs);
    const token = this.#token;
    if (token !== null && token.uselessAtMs > nowMs) {
      if (token.renewAtMs <= nowMs) this.#renew(send, clock, onLateToken);
      return secret.authorize(request, token.value, nowMs);
    }
    return this.#refresh(send, clock).then(async ({ value }) => {
      const lines = await secret.authorize(request, value, clock.nowMs());
      this.#freshLines.add(lines);
      return lines;
    });
  }

  forgetToken(lines: HeaderLines): boolean {
    const token = this.#token;
    if (token === null) return false;
    // Another request may have brought a new token already.
    if (lines.some(([, value]) => value.includes(token.value)))
      this.#token = { ...token, renewAtMs: 0, uselessAtMs: 0 };
    return !this.#freshLines.has(lines);
  }

  #refresh(send: SendText, clock: Clock): Promise<TokenInUse> {
    this.#refreshing ??= this.#freshToken(send, clock).finally(() => {
      this.#refreshing = null;
    });
    return this.#refreshing;
  }

  async #freshToken(send: SendText, clock: Clock): Promise<TokenInUse> {
    const secret = this.#secret as Required<OpenSecret>;
    const fresh = await secret.refresh(send, clock);
    this.#formerToken = this.#token;
    this.#token = inUse(fresh, clock.nowMs());
    const tokens = [this.#token, this.#formerToken].filter((token) => token !== null);
    this.#secrets = [...secret.secrets, ...this.#more, ...tokens.map(({ value }) => value)];
    return this.#token;
  }

  /** Ahead of time: no request waits, and a failure matters only when the token is useless. */
  #renew(send: SendText, clock: Clock, onLateToken: (cause: unknown) => void = () => undefined): void {
    if (this.#refreshing !== null || clock.nowMs() < this.#renewsFromMs) return;
    this.#renewsFromMs = clock.nowMs() + RENEWAL_PAUSE_MS;
    this.#refresh(send, clock).then(
      () => {
        this.#renewsFromMs = Number.NEGATIVE_INFINITY;
      },
      (cause) => onLateToken(cause),
    );
  }
}

function inUse({ value, lifetimeMs }: AccessToken, nowMs: number): TokenInUse {
  return {
    value,
    renewAtMs: nowMs + lifetimeMs - Math.min(RENEWAL_MS, lifetimeMs / 4),
    uselessAtMs: nowMs + lifetimeMs - Math.min(EXPIRY_MARGIN_MS, lifetimeMs / 10),
  };
}
