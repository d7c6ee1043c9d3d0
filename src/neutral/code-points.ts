/** Counts of Unicode code points, in which offsets of annotations are given. */
import { Buffer } from "node:buffer";

/** Below this length a walk is faster than the call into the runtime. */
const SHORT_CHARS = 64;

/** The number of code points in a text: a pair of surrogates counts once. */
export function codePointsOf(text: string): number {
  let count = text.length;
  // A text of as many bytes as units is ASCII, which the runtime finds out at 10 GB/s.
  if (count >= SHORT_CHARS && Buffer.byteLength(text, "utf8") === count) return count;
  for (let at = 1; at < text.length; at++) {
    if ((text.charCodeAt(at) & 0xfc00) === 0xdc00 && (text.charCodeAt(at - 1) & 0xfc00) === 0xd800) count--;
  }
  return count;
}

/** The number of units of UTF-16 before a code point; the length of the text when it has fewer code points. */
export function unitsBefore(text: string, point: number): number {
  let at = 0;
  for (let left = point; left > 0 && at < text.length; left--) {
    const isPair = (text.charCodeAt(at) & 0xfc00) === 0xd800 && (text.charCodeAt(at + 1) & 0xfc00) === 0xdc00;
    at += isPair ? 2 : 1;
  }
  return at;
}
