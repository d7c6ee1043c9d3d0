/** A request's destination, and its head as HTTP/1.1 text. Pure. */
import type { Via } from "../../config/network/via.ts";
import { GatewayError } from "../../core/errors.ts";
import type { UpstreamRequest } from "../call.ts";
import { type Origin, originLength, originOf } from "../dial/origin.ts";

/** A URL, taken apart for the head of a request. */
export interface Destination {
  readonly origin: Origin;
  /** Path and query as they are sent, without the fragment. */
  readonly target: string;
}

/** Headers that the transport writes itself, or that concern another connection. */
const OWN = new Set([
  "host",
  "content-length",
  "connection",
  "transfer-encoding",
  "expect",
  "upgrade",
  "keep-alive",
  "te",
  "trailer",
]);
const METHODS_WITH_BODY = new Set(["POST", "PUT", "PATCH"]);
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const BAD_VALUE = /[^\t\x20-\x7e\x80-\xff]/;
/** A path without a character to escape, and without a fragment. */
const PLAIN_TARGET = /^\/[!"$-~]*$/;

/** Throws `GatewayError` `internal`: URLs come from a checked configuration. */
export function parseDestination(
  url: string,
  via: Via,
  addresses: readonly string[] | null = null,
): Destination {
  return { origin: originOf(url, via, addresses), target: targetOf(url) };
}

/**
 * The head of a request, with the empty line, as Latin-1 text. Throws `GatewayError`: `bad_request` for a value, which only a
 * client can have sent (those of the configuration are checked), else `internal`.
 */
export function encodeRequestHead(request: UpstreamRequest, { origin, target }: Destination): string {
  const { method, body, headers } = request;
  if (!TOKEN.test(method)) throw unusable("method");
  let text = `${method} ${target} HTTP/1.1\r\nhost: ${origin.host}\r\n`;
  for (const line of headers) {
    const name = line[0];
    if (!isSent(name)) continue;
    const value = line[1];
    // A line end in a value would split the request, so each value is checked, whatever its source.
    if (BAD_VALUE.test(value)) throw unusableValue(name);
    text += `${name}: ${value}\r\n`;
  }
  if (body !== null) text += `content-length: ${body.byteLength}\r\n`;
  else if (METHODS_WITH_BODY.has(method)) text += "content-length: 0\r\n";
  if (origin.addresses !== null) text += "connection: close\r\n";
  return `${text}\r\n`;
}

/** By name, whether the header is sent. Clients send the same few names again and again. */
const sent = new Map<string, boolean>();
const MAX_REMEMBERED_NAMES = 512;

/** False: the transport writes the header itself. Throws for a name that HTTP does not allow. */
function isSent(name: string): boolean {
  const known = sent.get(name);
  if (known !== undefined) return known;
  if (!TOKEN.test(name)) throw unusable("header name");
  const made = !OWN.has(name);
  if (sent.size < MAX_REMEMBERED_NAMES) sent.set(name, made);
  return made;
}

function targetOf(url: string): string {
  const target = url.slice(originLength(url));
  if (PLAIN_TARGET.test(target)) return target;
  const parsed = new URL(url);
  return parsed.pathname + parsed.search;
}

function unusableValue(name: string): GatewayError {
  return new GatewayError(
    "bad_request",
    `the header "${name}" holds a character that HTTP does not allow; leave the character out`,
  );
}

function unusable(what: string): GatewayError {
  return new GatewayError("internal", "the request cannot be sent to the upstream", {
    detail: `a character that HTTP does not allow in: ${what}`,
  });
}
