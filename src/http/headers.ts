/** Which headers pass, in both directions. Everything that no rule names passes: new headers work without a change here. */

/** RFC 9110 section 7.6.1 and what describes one hop only. */
const HOP_BY_HOP = [
  "connection",
  "keep-alive",
  "proxy-connection",
  "proxy-authenticate",
  "proxy-authorization",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
] as const;

/**
 * Never reach an upstream: the client's credentials and account selectors, what identifies its network or browser,
 * and what the connection to the upstream sets anew. `origin` makes Anthropic refuse the request.
 */
const CLIENT_ONLY = [
  ...HOP_BY_HOP,
  "host",
  "content-length",
  "content-encoding",
  "expect",
  "authorization",
  "x-api-key",
  "x-goog-api-key",
  "api-key",
  "openai-organization",
  "openai-project",
  "anthropic-workspace-id",
  "x-goog-user-project",
  "cookie",
  "origin",
  "referer",
  "forwarded",
  "via",
  "x-real-ip",
  "traceparent",
  "tracestate",
  "baggage",
] as const;

const CLIENT_ONLY_PREFIXES = ["x-forwarded-", "sec-fetch-", "access-control-", "proxy-"] as const;

/** Never reach a client: they describe the hop, the upstream's edge, or are set anew. */
const UPSTREAM_ONLY = new Set<string>([
  ...HOP_BY_HOP,
  "content-length",
  "content-encoding",
  "date",
  "server",
  "set-cookie",
  "alt-svc",
  "strict-transport-security",
  "via",
  "x-request-id",
  "request-id",
]);

/** They describe the credential of the pool, not the client; shown only when the config says so. */
const ACCOUNT = new Set<string>([
  "openai-organization",
  "openai-project",
  "anthropic-organization-id",
  "anthropic-workspace-id",
  "x-goog-project-id",
]);
const ACCOUNT_PREFIXES = [
  "x-ratelimit-",
  "anthropic-ratelimit-",
  "anthropic-priority-",
  "anthropic-fast-",
  "cf-",
] as const;

const MAX_REMEMBERED_NAMES = 512;

/**
 * Headers for the upstream: the client's, without what must stay here, plus the credential and the family's defaults.
 * Asks for no compression, for the tap reads the reply. An OAuth beta of the client's own login is taken out, because an
 * API key is shown instead.
 */
export function makeUpstreamHeaders(
  client: Headers,
  auth: readonly [name: string, value: string],
  defaults: readonly (readonly [name: string, value: string])[],
): Headers {
  const headers = new Headers(client);
  const named = client.get("connection");
  if (named !== null && named !== "keep-alive" && named !== "close") dropNamed(headers, named);
  for (const name of CLIENT_ONLY) headers.delete(name);
  const prefixed: string[] = [];
  headers.forEach((_, name) => {
    if (CLIENT_ONLY_PREFIXES.some((prefix) => name.startsWith(prefix))) prefixed.push(name);
  });
  for (const name of prefixed) headers.delete(name);
  const betas = headers.get("anthropic-beta");
  if (betas?.includes("oauth-")) setOrDelete(headers, "anthropic-beta", withoutOauthBeta(betas));
  for (const [name, value] of defaults) {
    if (!headers.has(name)) headers.set(name, value);
  }
  headers.set("accept-encoding", "identity");
  headers.set(auth[0], auth[1]);
  return headers;
}

function dropNamed(headers: Headers, connection: string): void {
  for (const name of connection.split(",")) {
    const token = name.trim().toLowerCase();
    if (/^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(token)) headers.delete(token);
  }
}

function withoutOauthBeta(betas: string): string {
  return betas
    .split(",")
    .map((beta) => beta.trim())
    .filter((beta) => beta !== "" && !beta.startsWith("oauth-"))
    .join(",");
}

function setOrDelete(headers: Headers, name: string, value: string): void {
  if (value === "") headers.delete(name);
  else headers.set(name, value);
}

/** Remembers for each header name whether it passes to clients, so that the rules run once a name. */
export function makeReplyHeaderFilter(showsAccount: boolean): (upstream: Headers) => Record<string, string> {
  const verdicts = new Map<string, boolean>();
  const passes = (name: string): boolean => {
    if (UPSTREAM_ONLY.has(name) || name.startsWith("access-control-") || name.startsWith("proxy-"))
      return false;
    if (showsAccount) return true;
    return !ACCOUNT.has(name) && !ACCOUNT_PREFIXES.some((prefix) => name.startsWith(prefix));
  };
  return (upstream) => {
    const headers: Record<string, string> = {};
    upstream.forEach((value, name) => {
      let verdict = verdicts.get(name);
      if (verdict === undefined) {
        verdict = passes(name);
        if (verdicts.size < MAX_REMEMBERED_NAMES) verdicts.set(name, verdict);
      }
      if (verdict) headers[name] = value;
    });
    return headers;
  };
}
