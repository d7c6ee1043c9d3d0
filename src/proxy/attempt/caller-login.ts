/**
 * A caller's own login at a provider, for upstreams with `caller_credentials`: what the headers of its request show beside
 * the key of this gateway. It is read for one attempt, shown to that upstream alone, and written nowhere.
 */
import { bearerOf, digestOf, type KeyRing, OWN_KEY_HEADER } from "../../auth/keys.ts";
import { GatewayError } from "../../core/errors.ts";
import type { HeaderView } from "../../core/header-view.ts";
import type { ClientRequest } from "../../http/client-request.ts";
import type { Lease } from "../../pool/credential.ts";
import type { CredentialView, Snapshot, UpstreamView } from "../../snapshot.ts";
import { type CallerLogin, showLogin } from "../../upstreams/authorization.ts";

const LOGIN_HEADERS = ["authorization", "x-api-key", "x-goog-api-key", "api-key"] as const;
/** As `clewline keys` makes them. One that has been revoked is none of a provider either. */
const OWN_KEY_PREFIX = "clew-";

/** Statuses by which a provider speaks of a login: refused, not allowed, limited. */
const OF_LOGIN: ReadonlySet<number> = new Set([401, 403, 429]);

/**
 * null: the caller shows none. A key of this gateway is none, and the caller's headers are only read where its key came in
 * a header of its own: else one of them is the key.
 */
export function readLogin(
  keys: KeyRing,
  { headers, search }: Pick<ClientRequest, "headers" | "search">,
): CallerLogin | null {
  const own = headers.get(OWN_KEY_HEADER)?.trim();
  if (own === undefined) return null;
  // A header that is there twice comes as one, with a comma.
  const tokensOf = (value: string): string[] => value.split(",").map((part) => bearerOf(part.trim()));
  const isOwnKey = (token: string): boolean =>
    token === own || token.startsWith(OWN_KEY_PREFIX) || keys.has(digestOf(token));
  const lines: (readonly [name: string, value: string])[] = [];
  const secrets: string[] = [];
  const show = (name: string, value: string | null): void => {
    const tokens = value === null ? [] : tokensOf(value);
    if (value === null || tokens.every((token) => token === "") || tokens.some(isOwnKey)) return;
    lines.push([name, value]);
    secrets.push(...tokens.filter((token) => token !== ""));
  };
  for (const name of LOGIN_HEADERS) show(name, headers.get(name));
  // Google's clients may show a key in the query. URLs stand in logs, so it goes on in the header for the same key.
  if (search.includes("key=") && headers.get("x-goog-api-key") === null)
    show("x-goog-api-key", new URLSearchParams(search).get("key"));
  return lines.length === 0 ? null : { lines, secrets };
}

/** The leased credential; in its place the caller's own login, where the upstream takes that. */
export function credentialFor(
  request: { readonly login: CallerLogin | null },
  upstream: UpstreamView,
  { credentialId }: Lease,
): CredentialView {
  const credential = upstream.credentials.get(credentialId) as CredentialView;
  const login = upstream.callerCredentials ? request.login : null;
  return login === null ? credential : { ...credential, access: showLogin(login) };
}

/** Whether a reply with this status speaks of the caller's own login, and of nobody else. */
export function speaksOfLogin({ callerCredentials }: UpstreamView, status: number): boolean {
  return callerCredentials && OF_LOGIN.has(status);
}

/** The upstream takes the caller's own login only, and there is none. */
export function loginMissing(upstream: string): GatewayError {
  return new GatewayError(
    "login_missing",
    `the upstream "${upstream}" takes the caller's own credential, and none was sent; send it as the provider wants it, and the key of this gateway as ${OWN_KEY_HEADER}`,
  );
}

/** The upstream has refused the login, or limits it. `words`: its own; null: it has said nothing that can be read. */
export function loginRefused(
  status: number,
  words: string | null,
  retryAfterMs: number | null,
): GatewayError {
  const message = words ?? `the upstream refused the caller's own credential (status ${status})`;
  if (status === 403) return new GatewayError("upstream_forbidden", message);
  if (status === 429)
    return new GatewayError("login_limited", message, retryAfterMs === null ? {} : { retryAfterMs });
  return new GatewayError("login_refused", message);
}

interface AnsweredRequest {
  readonly gateway: { readonly snapshot: Snapshot };
  readonly exchange: { readonly id: string };
}

/** Headers of an upstream's reply that are for the client. To its own login its own account is no secret. */
export function headersForClient(
  { gateway, exchange }: AnsweredRequest,
  { callerCredentials }: UpstreamView,
  headers: HeaderView,
): Record<string, string> {
  const { filterCallersReplyHeaders, filterReplyHeaders } = gateway.snapshot;
  return (callerCredentials ? filterCallersReplyHeaders : filterReplyHeaders)(headers, exchange.id);
}
