/** The bounded form of an error that an upstream reported. */
import { Buffer } from "node:buffer";
import type { FailEvent } from "../../neutral/event.ts";
import { asObject, asString, jsonText } from "../../wire/json.ts";
import { messageIn, unwrapError } from "./error-body.ts";

export const MAX_FAILURE_BYTES = 4096;
/** Bytes of JSON text. Together with four names and the member names they stay below MAX_FAILURE_BYTES. */
const MAX_MESSAGE_BYTES = 3000;
const MAX_NAME_BYTES = 200;

/** The members that classification reads; `message` is the fifth. */
const NAMES = ["type", "code", "status", "param"];

/**
 * The error object as JSON text of at most MAX_FAILURE_BYTES. A longer object keeps the members that
 * classification reads, each cut to fit.
 */
export function failureText(error: unknown): string {
  const object = asObject(error) ?? { message: asString(error) ?? "the error object could not be read" };
  const text = jsonText(object);
  if (text !== null && Buffer.byteLength(text) <= MAX_FAILURE_BYTES) return text;
  const short: Record<string, unknown> = {};
  for (const name of NAMES) {
    const value = object[name];
    if (typeof value === "number") short[name] = value;
    else if (typeof value === "string") short[name] = cutText(value, MAX_NAME_BYTES);
  }
  const words = messageIn(unwrapError(object));
  if (words !== null) short.message = cutMessage(words);
  return JSON.stringify(short);
}

/** The event for an error that the upstream reported. */
export type ReportedFailure = FailEvent & { readonly raw: string };

/** The event for an error object, or for the text that some servers write in its place. */
export function failEvent(error: unknown): ReportedFailure {
  const object = asObject(error);
  const message = object === null ? asString(error) : messageIn(unwrapError(object));
  return {
    type: "fail",
    raw: failureText(error),
    message: message === null ? "the upstream reported an error without a message" : cutMessage(message),
  };
}

/** The message of an upstream, cut to the length that a client is shown. */
export function cutMessage(message: string): string {
  return cutText(message, MAX_MESSAGE_BYTES);
}

/**
 * The longest beginning of the text that fills at most `maxBytes` inside a JSON string. Never ends within a
 * character.
 */
function cutText(text: string, maxBytes: number): string {
  // A unit of UTF-16 takes at most six bytes.
  if (text.length * 6 <= maxBytes) return text;
  let bytes = 0;
  let at = 0;
  while (at < text.length) {
    const point = text.codePointAt(at) as number;
    bytes += jsonBytesOf(point);
    if (bytes > maxBytes) return text.slice(0, at);
    at += point > 0xffff ? 2 : 1;
  }
  return text;
}

function jsonBytesOf(point: number): number {
  if (point < 0x20 || (point >= 0xd800 && point <= 0xdfff)) return 6;
  if (point === 0x22 || point === 0x5c) return 2;
  if (point < 0x80) return 1;
  if (point < 0x800) return 2;
  return point > 0xffff ? 4 : 3;
}
