/**
 * The headers that pass, in both directions. A header that no rule names passes, so new headers work without
 * a change here.
 */

import { type HeaderLines, HeaderList, type HeaderView } from "../core/header-view.ts";
import { isOfBrowser, isOfEdge, isSteering } from "./header-kinds.ts";

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

/** Headers by which a client names its own account: they reach an upstream that gets the client's own login. */
const CLIENT_ACCOUNT = new Set<string>([
  "openai-organization",
  "openai-project",
  "anthropic-workspace-id",
  "x-goog-user-project",
]);

/**
 * Further headers that never reach an upstream: they are about the client's network and browser, choose members of the
 * reply, or are set by the connection to the upstream. `origin` makes Anthropic refuse the request.
 */
const CLIENT_ONLY = new Set<string>([
  ...HOP_BY_HOP,
  "host",
  "content-length",
  "content-encoding",
  "expect",
  "http2-settings",
  "max-forwards",
  "early-data",
  // It can take the usage out of Google's replies: https://cloud.google.com/apis/docs/system-parameters
  "x-goog-fieldmask",
  "origin",
  "referer",
  "via",
  "traceparent",
  "tracestate",
  "baggage",
  "x-amzn-trace-id",
  "x-cloud-trace-context",
  "accept-encoding",
]);

const CLIENT_ONLY_PREFIXES = [
  // What clients ask of this gateway.
  "x-clewline-",
  "sec-fetch-",
  "sec-websocket-",
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
  "alt-svc",
  "strict-transport-security",
  "via",
  "x-request-id",
  "request-id",
]);

const UPSTREAM_ONLY_PREFIXES = [
  // What this gateway tells its clients, such as the cost and the credential of a request.
  "x-clewline-",
  "access-control-",
  "proxy-",
] as const;

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

/** Whether a header passes to upstreams; `own`: only with the client's own login; `betas`: some of its words may not. */
type UpstreamVerdict = "stays" | "passes" | "own" | "betas";

/** By header name, so that the rules run once for each name. */
const upstreamVerdicts = new Map<string, UpstreamVerdict>();

function upstreamVerdict(name: string): UpstreamVerdict {
  const known = upstreamVerdicts.get(name);
  if (known !== undefined) return known;
  const verdict = findUpstreamVerdict(name);
  if (upstreamVerdicts.size < MAX_REMEMBERED_NAMES) upstreamVerdicts.set(name, verdict);
  return verdict;
}

function findUpstreamVerdict(name: string): UpstreamVerdict {
  if (CLIENT_ONLY.has(name) || CLIENT_ONLY_PREFIXES.some((prefix) => name.startsWith(prefix))) return "stays";
  if (isSteering(name) || isOfEdge(name)) return "stays";
  if (CLIENT_ACCOUNT.has(name)) return "own";
  return name === "anthropic-beta" ? "betas" : "passes";
}

/**
 * Headers for the upstream: the client's, without those that must stay here and those that authorize
 * (`authNames`), then the family's defaults and the lines that show the credential. They ask for no
 * compression, because the tap reads the reply. What belongs to the client's own login, its account and its OAuth betas,
 * is taken out unless `authLines` show this login (`isCallersLogin`).
 */
export function makeUpstreamHeaders(
  client: HeaderList,
  authNames: readonly string[],
  authLines: HeaderLines,
  defaults: HeaderLines,
  isCallersLogin = false,
): HeaderLines {
  const named = namedByConnection(client.get("connection"));
  const lines: (readonly [string, string])[] = [];
  for (const line of client.lines) {
    const name = line[0];
    const value = line[1];
    const verdict = upstreamVerdict(name);
    if (verdict === "stays" || authNames.includes(name) || named?.includes(name)) continue;
    if (!isCallersLogin && verdict === "own") continue;
    const passing = verdict === "betas" && !isCallersLogin ? withoutOauthBeta(value) : value;
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

/** Types that a browser shows or runs: a text of the model in them would be a page of the gateway's. */
const RENDERED = /html|xml|svg|javascript|ecmascript|wasm|css|multipart\//i;
const JSON_TYPE = "application/json";

/**
 * The reply's headers from the upstream's, with the gateway's request id under the names that the official
 * SDKs read.
 */
export function makeReplyHeaderFilter(
  showsAccount: boolean,
): (upstream: HeaderView, requestId: string) => Record<string, string> {
  const verdicts = new Map<string, boolean>();
  const passes = (name: string): boolean => {
    if (UPSTREAM_ONLY.has(name) || UPSTREAM_ONLY_PREFIXES.some((prefix) => name.startsWith(prefix)))
      return false;
    if (isSteering(name) || isOfBrowser(name)) return false;
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
    const type = headers["content-type"];
    if (type !== undefined && type !== JSON_TYPE && RENDERED.test(type)) headers["content-type"] = JSON_TYPE;
    headers["x-request-id"] = requestId;
    headers["request-id"] = requestId;
    headers["x-content-type-options"] = "nosniff";
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
