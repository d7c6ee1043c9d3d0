/** Replaces ranges of bytes in a body. */
import { Buffer } from "node:buffer";

export interface SpliceEdit {
  readonly start: number;
  /** Exclusive. Equal to `start` for an insertion. */
  readonly end: number;
  readonly replacement: Uint8Array;
}

/** A new body with the edits, which must be in order and must not overlap. Allocates once. */
export function splice(body: Uint8Array, edits: readonly SpliceEdit[]): Uint8Array {
  let size = body.length;
  for (const edit of edits) size += edit.replacement.length - (edit.end - edit.start);
  // Not filled with zeros first, because every byte is written.
  const result = Buffer.allocUnsafeSlow(size);
  let from = 0;
  let at = 0;
  for (const edit of edits) {
    result.set(body.subarray(from, edit.start), at);
    at += edit.start - from;
    result.set(edit.replacement, at);
    at += edit.replacement.length;
    from = edit.end;
  }
  result.set(body.subarray(from), at);
  return result;
}
