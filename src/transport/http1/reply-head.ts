/**
 * The head of a reply: strict reading of RFC 9112, sections 3 to 6. Pure; what it refuses is
 * `upstream_garbage`.
 */
import { GatewayError } from "../../core/errors.ts";
import { HeaderList } from "../../core/header-view.ts";
import type { ReplyHead } from "../call.ts";

/**
 * Where a body ends: there is none, after its length, after its last chunk, or when the connection closes.
 */
export type Framing = "none" | "length" | "chunked" | "close";

/** A parsed head, with the facts that the connection needs. */
export interface ParsedHead extends ReplyHead {
  readonly headers: HeaderList;
  readonly framing: Framing;
  /** For `length` only, else 0. */
  readonly lengthBytes: number;
  /** The connection may be used again after this reply. */
  readonly isKept: boolean;
  /** The value of `Keep-Alive: timeout=`; null when the upstream sends none. */
  readonly keepAliveMs: number | null;
}

const MAX_HEADERS = 200;
/** Above it, sizes are no longer exact in a double. */
const MAX_LENGTH_DIGITS = 15;

const STATUS_LINE = /^HTTP\/1\.[01] [1-5][0-9][0-9](?: |$)/;
const MINOR_VERSION_AT = 7;
const STATUS_AT = 9;
const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** Control characters other than a tab, and a carriage return or a line feed without the other one. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: it looks for them.
const FORBIDDEN = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)|[^\r]\n/;
const TAB = 9;
const BLANK = 32;
const ONE = 49;

/** The error for a reply that is not HTTP. `detail` goes to the log. */
export function garbage(detail: string): GatewayError {
  return new GatewayError("upstream_garbage", "the upstream's reply is not valid HTTP", { detail });
}

/**
 * Reads a head. `text` is Latin-1, from the status line to the last header, without the empty line. Throws
 * `GatewayError` `upstream_garbage`.
 */
export function parseHead(text: string, method: string): ParsedHead {
  // Once for the whole head: a search of each line costs 1 % of a small request.
  if (FORBIDDEN.test(text)) throw garbage("control character in the head");
  const statusEnd = lineEnd(text, 0);
  if (!STATUS_LINE.test(text.slice(0, statusEnd))) throw garbage("status line");
  const status = Number(text.slice(STATUS_AT, STATUS_AT + 3));
  const isVersion11 = text.charCodeAt(MINOR_VERSION_AT) === ONE;
  const headers = new HeaderList();
  let count = 0;
  for (let at = statusEnd + 2; at <= text.length; count++) {
    if (count === MAX_HEADERS) throw garbage(`more than ${MAX_HEADERS} headers`);
    const end = lineEnd(text, at);
    addHeader(headers, text, at, end);
    at = end + 2;
  }
  const connection = headers.get("connection")?.toLowerCase() ?? "";
  const saysClose = hasToken(connection, "close");
  const { framing, lengthBytes } = framingOf(headers, status, method, isVersion11);
  return {
    status,
    headers,
    framing,
    lengthBytes,
    isKept: framing !== "close" && !saysClose && (isVersion11 || hasToken(connection, "keep-alive")),
    keepAliveMs: keepAliveMsOf(headers.get("keep-alive")),
  };
}

/** The place of the line's end from `at`: its carriage return, or the end of the text. */
function lineEnd(text: string, at: number): number {
  const end = text.indexOf("\r", at);
  return end < 0 ? text.length : end;
}

/** Adds the line from `start` to `end`. */
function addHeader(headers: HeaderList, text: string, start: number, end: number): void {
  const colon = text.indexOf(":", start);
  // Without a colon in the line the name is empty, which no name is.
  const name = nameOf(text.slice(start, colon >= end ? start : Math.max(colon, start)));
  const value = withoutBlanks(text, colon + 1, end);
  // Not joined to "5, 5": equal ones say the same, others leave open where the body ends.
  if (name === "content-length") {
    const earlier = headers.get(name);
    if (earlier !== null && earlier !== value) throw garbage("content-length values differ");
    if (earlier !== null) return;
  }
  headers.append(name, value);
}

/** Names as they were written, in lower case: upstreams send the same few again and again. */
const names = new Map<string, string>();
const MAX_REMEMBERED_NAMES = 512;

function nameOf(written: string): string {
  const known = names.get(written);
  if (known !== undefined) return known;
  // A line that starts with a blank would go on with the one before (obs-fold); it fails here too.
  if (!NAME.test(written)) throw garbage("header name");
  const name = written.toLowerCase();
  if (names.size < MAX_REMEMBERED_NAMES) names.set(written, name);
  return name;
}

/** The text from `start` to `end`, less blanks and tabs at both ends; `trim` would take more off than HTTP does. */
function withoutBlanks(text: string, start: number, end: number): string {
  let from = start;
  let to = end;
  while (from < to && isBlank(text.charCodeAt(from))) from++;
  while (to > from && isBlank(text.charCodeAt(to - 1))) to--;
  return text.slice(from, to);
}

function isBlank(code: number): boolean {
  return code === BLANK || code === TAB;
}

function framingOf(
  headers: HeaderList,
  status: number,
  method: string,
  isVersion11: boolean,
): { framing: Framing; lengthBytes: number } {
  const coding = headers.get("transfer-encoding");
  const length = headers.get("content-length");
  if (coding !== null) {
    if (length !== null) throw garbage("content-length beside transfer-encoding");
    if (!isVersion11 || coding.toLowerCase() !== "chunked") throw garbage("transfer-encoding");
  }
  if (length !== null && (!/^[0-9]+$/.test(length) || length.length > MAX_LENGTH_DIGITS)) {
    throw garbage("content-length");
  }
  if (method === "HEAD" || status < 200 || status === 204 || status === 304) {
    return { framing: "none", lengthBytes: 0 };
  }
  if (coding !== null) return { framing: "chunked", lengthBytes: 0 };
  if (length === null) return { framing: "close", lengthBytes: 0 };
  const lengthBytes = Number(length);
  return { framing: lengthBytes === 0 ? "none" : "length", lengthBytes };
}

function hasToken(list: string, token: string): boolean {
  return list === token || (list.includes(token) && list.split(",").some((item) => item.trim() === token));
}

function keepAliveMsOf(value: string | null): number | null {
  const match = value === null ? null : /(?:^|[,\s])timeout=([0-9]{1,6})(?:$|[,\s])/i.exec(value);
  return match === null ? null : Number(match[1]) * 1_000;
}
