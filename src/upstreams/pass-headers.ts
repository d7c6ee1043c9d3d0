/**
 * The headers that pass, in both directions. A header that no rule names passes, so new headers work without
 * a change here.
 */

import { type HeaderLines, HeaderList, type HeaderView } from "../core/header-view.ts";

const MAX_REMEMBERED_NAMES = 512;

/** RFC 9110 section 7.6.1, and other headers about a single hop. */
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
 * Headers that never reach an upstream: the client's credentials and account, its network and browser, a choice of
 * members of the reply, and headers that the connection to the upstream sets. `origin` makes Anthropic refuse the request.
 */
const CLIENT_ONLY = new Set<string>([
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
  // It can take the usage out of Google's replies: https://cloud.google.com/apis/docs/system-parameters
  "x-goog-fieldmask",
  "cookie",
  "origin",
  "referer",
  "forwarded",
  "via",
  "x-real-ip",
  "traceparent",
  "tracestate",
  "baggage",
  "x-amzn-trace-id",
  "x-cloud-trace-context",
  "true-client-ip",
  "x-client-ip",
  "x-cluster-client-ip",
  "fastly-client-ip",
  "fly-client-ip",
  "cdn-loop",
  "accept-encoding",
]);

const CLIENT_ONLY_PREFIXES = [
  // What clients ask of this gateway.
  "x-clewline-",
  "x-forwarded-",
  "x-envoy-",
  "x-b3-",
  "cf-",
  "sec-fetch-",
  "access-control-",
  "proxy-",
] as const;

/**
 * Headers that never reach a client: they describe the hop or the upstream's edge, or the gateway sets them.
 */
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

/**
 * Headers about the pool's credential, not about the client. They pass only when the configuration allows it.
 */
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

/** By header name, whether it passes to upstreams, so that the rules run once for each name. */
const upstreamVerdicts = new Map<string, boolean>();

function passesToUpstream(name: string): boolean {
  const known = upstreamVerdicts.get(name);
  if (known !== undefined) return known;
  const passes = !CLIENT_ONLY.has(name) && !CLIENT_ONLY_PREFIXES.some((prefix) => name.startsWith(prefix));
  if (upstreamVerdicts.size < MAX_REMEMBERED_NAMES) upstreamVerdicts.set(name, passes);
  return passes;
}

/**
 * Headers for the upstream: the client's, without those that must stay here and those that authorize
 * (`authNames`), then the family's defaults and the lines that show the credential. They ask for no
 * compression, because the tap reads the reply. An OAuth beta of the client's own login is taken out, because
 * the gateway's credential is shown instead.
 */
export function makeUpstreamHeaders(
  client: HeaderList,
  authNames: readonly string[],
  authLines: HeaderLines,
  defaults: HeaderLines,
): HeaderLines {
  const named = namedByConnection(client.get("connection"));
  const lines: (readonly [string, string])[] = [];
  for (const line of client.lines) {
    const name = line[0];
    const value = line[1];
    if (!passesToUpstream(name) || authNames.includes(name) || named?.includes(name)) continue;
    const passing = name === "anthropic-beta" ? withoutOauthBeta(value) : value;
    if (passing !== "") lines.push(passing === value ? line : [name, passing]);
  }
  for (const line of defaults) {
    if (client.get(line[0]) === null) lines.push(line);
  }
  lines.push(ACCEPT_IDENTITY, ...authLines);
  return lines;
}

const ACCEPT_IDENTITY = ["accept-encoding", "identity"] as const;

/** The headers that `connection` names; null for the usual values. */
function namedByConnection(connection: string | null): readonly string[] | null {
  if (connection === null || connection === "keep-alive" || connection === "close") return null;
  return connection.split(",").map((name) => name.trim().toLowerCase());
}

function withoutOauthBeta(betas: string): string {
  if (!betas.includes("oauth-")) return betas;
  return betas
    .split(",")
    .map((beta) => beta.trim())
    .filter((beta) => beta !== "" && !beta.startsWith("oauth-"))
    .join(",");
}

/**
 * The reply's headers from the upstream's, with the gateway's request id under the names that the official
 * SDKs read.
 */
export function makeReplyHeaderFilter(
  showsAccount: boolean,
): (upstream: HeaderView, requestId: string) => Record<string, string> {
  const verdicts = new Map<string, boolean>();
  const passes = (name: string): boolean => {
    if (UPSTREAM_ONLY.has(name) || name.startsWith("access-control-") || name.startsWith("proxy-"))
      return false;
    if (showsAccount) return true;
    return !ACCOUNT.has(name) && !ACCOUNT_PREFIXES.some((prefix) => name.startsWith(prefix));
  };
  return (upstream, requestId) => {
    const headers: Record<string, string> = {};
    for (const line of linesOf(upstream)) {
      const name = line[0];
      let verdict = verdicts.get(name);
      if (verdict === undefined) {
        verdict = passes(name);
        if (verdicts.size < MAX_REMEMBERED_NAMES) verdicts.set(name, verdict);
      }
      if (verdict) headers[name] = line[1];
    }
    headers["x-request-id"] = requestId;
    headers["request-id"] = requestId;
    return headers;
  };
}

function linesOf(headers: HeaderView): HeaderLines {
  if (headers instanceof HeaderList) return headers.lines;
  const lines: (readonly [string, string])[] = [];
  headers.forEach((value, name) => {
    lines.push([name, value]);
  });
  return lines;
}
