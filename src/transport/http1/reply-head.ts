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

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-5][0-9][0-9])(?: .*)?$/;
const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** Control characters other than a tab; a line end within a line is one of them. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: it looks for them.
const FORBIDDEN = /[\x00-\x08\x0a-\x1f\x7f]/;
const TAB = 9;
const BLANK = 32;

/** The error for a reply that is not HTTP. `detail` goes to the log. */
export function garbage(detail: string): GatewayError {
  return new GatewayError("upstream_garbage", "the upstream's reply is not valid HTTP", { detail });
}

/**
 * Reads a head. `text` is Latin-1, from the status line to the last header, without the empty line. Throws
 * `GatewayError` `upstream_garbage`.
 */
export function parseHead(text: string, method: string): ParsedHead {
  const lines = text.split("\r\n");
  const statusLine = STATUS_LINE.exec(lines[0] as string);
  if (statusLine === null || FORBIDDEN.test(lines[0] as string)) throw garbage("status line");
  if (lines.length - 1 > MAX_HEADERS) throw garbage(`more than ${MAX_HEADERS} headers`);
  const status = Number(statusLine[2]);
  const isVersion11 = statusLine[1] === "1";
  const headers = new HeaderList();
  for (let i = 1; i < lines.length; i++) addHeader(headers, lines[i] as string);
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

function addHeader(headers: HeaderList, line: string): void {
  if (FORBIDDEN.test(line)) throw garbage("control character in a header");
  const colon = line.indexOf(":");
  const name = nameOf(line.slice(0, Math.max(colon, 0)));
  const value = withoutBlanks(line, colon + 1);
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

/**
 * The rest of a line from `start`, less blanks and tabs at both ends; `trim` would take more off than HTTP
 * does.
 */
function withoutBlanks(line: string, start: number): string {
  let from = start;
  let to = line.length;
  while (from < to && isBlank(line.charCodeAt(from))) from++;
  while (to > from && isBlank(line.charCodeAt(to - 1))) to--;
  return line.slice(from, to);
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
