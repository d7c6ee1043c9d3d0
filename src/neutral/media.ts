/** Reads and writes media in `data:` URLs (RFC 2397), as liberally as clients write them. */
import { Buffer } from "node:buffer";

export interface InlineMedia {
  /** Lower case, without parameters. */
  readonly mimeType: string;
  /** Standard base64 with padding. */
  readonly data: string;
}

const MIME_ALIASES: ReadonlyMap<string, string> = new Map([
  ["image/jpg", "image/jpeg"],
  ["image/pjpeg", "image/jpeg"],
  ["image/x-png", "image/png"],
  ["audio/x-wav", "audio/wav"],
  ["audio/wave", "audio/wav"],
  ["audio/vnd.wave", "audio/wav"],
  ["audio/mp3", "audio/mpeg"],
  ["audio/mpga", "audio/mpeg"],
  ["audio/mpeg3", "audio/mpeg"],
  ["audio/x-mp3", "audio/mpeg"],
  ["audio/x-mpeg", "audio/mpeg"],
  ["audio/x-flac", "audio/flac"],
  ["audio/m4a", "audio/mp4"],
  ["audio/x-m4a", "audio/mp4"],
  ["audio/x-aac", "audio/aac"],
  ["audio/aacp", "audio/aac"],
  ["audio/x-aiff", "audio/aiff"],
  ["application/x-pdf", "application/pdf"],
]);

/** A media type in lower case, without parameters, under its registered name. */
export function plainMimeType(mimeType: string): string {
  const semicolon = mimeType.indexOf(";");
  const plain = (semicolon === -1 ? mimeType : mimeType.slice(0, semicolon)).trim().toLowerCase();
  return MIME_ALIASES.get(plain) ?? plain;
}

/** The media in a `data:` URL; null when the text is no such URL or its data is damaged. */
export function parseDataUrl(url: string): InlineMedia | null {
  if (url.slice(0, 5).toLowerCase() !== "data:") return null;
  const comma = url.indexOf(",");
  if (comma === -1) return null;
  const head = url.slice(5, comma);
  const mimeType = plainMimeType(head) || "text/plain";
  const body = url.slice(comma + 1);
  const isBase64 = /;\s*base64\s*$/i.test(head);
  const plain = body.includes("%") ? percentDecoded(body) : isBase64 ? body : Buffer.from(body, "utf8");
  if (plain === null) return null;
  if (!isBase64) return { mimeType, data: Buffer.from(plain as Uint8Array).toString("base64") };
  const data = standardBase64(typeof plain === "string" ? plain : plain.toString("latin1"));
  return data === null ? null : { mimeType, data };
}

/** The media as a `data:` URL. */
export function toDataUrl(mimeType: string, data: string): string {
  return `data:${mimeType};base64,${data}`;
}

/**
 * Base64 of either alphabet, with or without padding and white space, in its standard form; null when the
 * text is not base64.
 */
export function standardBase64(text: string): string | null {
  let plain = /\s/.test(text) ? text.replace(/\s+/g, "") : text;
  if (plain.includes("-")) plain = plain.replaceAll("-", "+");
  if (plain.includes("_")) plain = plain.replaceAll("_", "/");
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(plain)) return null;
  const padding = plain.indexOf("=");
  const digits = padding === -1 ? plain : plain.slice(0, padding);
  if (digits.length % 4 === 1) return null;
  const missing = (4 - (digits.length % 4)) % 4;
  return plain.length === digits.length + missing ? plain : digits + "=".repeat(missing);
}

function percentDecoded(text: string): Buffer | null {
  const bytes = Buffer.from(text, "utf8");
  let length = 0;
  for (let i = 0; i < bytes.length; i++) {
    let byte = bytes[i] as number;
    if (byte === 0x25) {
      const hex = bytes.toString("latin1", i + 1, i + 3);
      if (!/^[0-9a-f]{2}$/i.test(hex)) return null;
      byte = Number.parseInt(hex, 16);
      i += 2;
    }
    bytes[length++] = byte;
  }
  return bytes.subarray(0, length);
}
