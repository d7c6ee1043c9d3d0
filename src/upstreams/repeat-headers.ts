/** Headers of requests and replies where an answer is given again to a request that is the same. */
import { sha256 } from "../core/hash.ts";
import type { HeaderLines, HeaderList } from "../core/header-view.ts";
import { makeUpstreamHeaders } from "./pass-headers.ts";

/** Names of one request and its retries. */
const OF_RETRIES: readonly string[] = ["idempotency-key", "x-idempotency-key"];

/**
 * Headers that reach upstreams and change no answer: who asks with which program, and what names one request. All others
 * may change it, such as betas and versions.
 */
const IRRELEVANT = new Set([
  "user-agent",
  "accept",
  "accept-language",
  "accept-encoding",
  "accept-charset",
  "content-type",
  "cache-control",
  "pragma",
  "priority",
  "dnt",
  "x-request-id",
  "x-client-request-id",
  ...OF_RETRIES,
  "http-referer",
  "x-title",
  "x-app",
  "x-goog-api-client",
  "anthropic-dangerous-direct-browser-access",
]);
/** The official SDKs of OpenAI and Anthropic say with these where they run, and which try it is. */
const OF_SDKS = "x-stainless-";

/** The headers of a client's request that may change its answer, by name. */
export function decidingHeaders(client: HeaderList): HeaderLines {
  return makeUpstreamHeaders(client, [], [], [])
    .filter(([name]) => !IRRELEVANT.has(name) && !name.startsWith(OF_SDKS))
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
}

/**
 * Headers of a reply that name one request, tell how long it took or how old it is, or of the room that an account had at
 * that moment. Wide: a header too few does no harm, and one too many names a request of somebody else.
 */
const OF_ONE_REPLY =
  /rate-?limit|request-?id|correlation-?id|generation-?id|trace|cookie|timing|processing-ms|service-time|^(?:age|date|etag|expires|last-modified)$|^(?:llm_provider-)?(?:cf-|retry-after|x-codex-|anthropic-priority-|anthropic-fast-)/;

/** The headers of a reply that are as true for every client of its answer. */
export function lastingHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !OF_ONE_REPLY.test(name)));
}

const COME_BACK = "retry-after";

/** The headers of a reply that refuses, for every client of the same call: all of them may come back at the same time. */
export function refusalHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  const lasting = lastingHeaders(headers);
  const comeBack = headers[COME_BACK];
  return comeBack === undefined ? lasting : { ...lasting, [COME_BACK]: comeBack };
}

/** A request as far as a name of its retries stands for it. */
export interface NamedRetries {
  /** The name of the client's key. */
  readonly owner: string;
  readonly url: string;
  readonly body: Uint8Array | null;
}

/**
 * The lines with names of retries that are the request's own. A server that knows such a name gives the first answer again to
 * whoever shows it: all keys of a pool are one account to the server, and the answer to one request must not be kept for
 * another one.
 */
export function withOwnRetries(lines: HeaderLines, request: NamedRetries): HeaderLines {
  // Runs for each request: a loop without the iterators of pairs takes a fifth of the time.
  let isNamed = false;
  for (const line of lines) if (OF_RETRIES.includes(line[0])) isNamed = true;
  return isNamed ? renamed(lines, request) : lines;
}

function renamed(lines: HeaderLines, request: NamedRetries): HeaderLines {
  return lines.map((line) => (OF_RETRIES.includes(line[0]) ? [line[0], ownName(request, line[1])] : line));
}

/** In the form of a UUID (RFC 9562, version 8), which every server takes. */
function ownName({ owner, url, body }: NamedRetries, name: string): string {
  const hash = sha256().update(JSON.stringify([owner, name, url]));
  if (body !== null) hash.update(body);
  const hex = hash.digest("hex");
  const [a, b, c, d, e] = [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 15),
    hex.slice(15, 18),
    hex.slice(18, 30),
  ];
  return `${a}-${b}-8${c}-8${d}-${e}`;
}
