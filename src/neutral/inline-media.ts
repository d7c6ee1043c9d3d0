/**
 * Finds base64 media in the bytes of a request, without reading its JSON: providers count a picture by its size and not by
 * its bytes, of which it has fifty for each token.
 */
import { Buffer } from "node:buffer";
import { MEDIA_BYTES } from "./estimate.ts";

/** In a `data:` URL. */
const URL_MARK = ";base64,";
/** The member that holds media in the dialects without such URLs. */
const MEMBER_MARK = '"data"';
const QUOTE = 0x22;
const COLON = 0x3a;
/** So many bytes of a string, evenly spread, tell whether it is base64. */
const SAMPLES = 64;

/**
 * The bytes of the request, with each piece of media counted as if its tokens were text. Time is linear in the body: each
 * string is looked at once for each mark.
 */
export function bytesWithoutMedia(body: Uint8Array): number {
  if (body.length <= MEDIA_BYTES) return body.length;
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  return bytes.length - excess(bytes, URL_MARK) - excess(bytes, MEMBER_MARK);
}

function excess(bytes: Buffer, mark: string): number {
  let sum = 0;
  for (let at = bytes.indexOf(mark); at !== -1; ) {
    const start = mark === URL_MARK ? at + mark.length : startOfText(bytes, at + mark.length);
    const quote = start === -1 ? -1 : bytes.indexOf(QUOTE, start);
    const end = start === -1 ? at + mark.length : quote === -1 ? bytes.length : quote;
    if (end - start > MEDIA_BYTES && start !== -1 && isBase64(bytes, start, end)) {
      sum += end - start - MEDIA_BYTES;
    }
    at = bytes.indexOf(mark, end);
  }
  return sum;
}

/** Behind the quote that opens the value of a member; -1: its value is no string. */
function startOfText(bytes: Buffer, afterName: number): number {
  let at = afterName;
  while (isSpace(bytes[at])) at++;
  if (bytes[at] !== COLON) return -1;
  at++;
  while (isSpace(bytes[at])) at++;
  return bytes[at] === QUOTE ? at + 1 : -1;
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/** Text has spaces or other signs among so many letters. */
function isBase64(bytes: Buffer, start: number, end: number): boolean {
  const step = Math.floor((end - start) / SAMPLES);
  for (let i = 0; i < SAMPLES; i++) {
    if (!isOfBase64(bytes[start + i] as number) || !isOfBase64(bytes[start + i * step] as number))
      return false;
  }
  return true;
}

function isOfBase64(byte: number): boolean {
  const isLetter = (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a);
  const isDigit = byte >= 0x30 && byte <= 0x39;
  // "+", "/", "=", and "-" and "_" of the form for URLs.
  return (
    isLetter || isDigit || byte === 0x2b || byte === 0x2f || byte === 0x3d || byte === 0x2d || byte === 0x5f
  );
}
