/** One try at a decoder, as bytes that can be stored and tried again. */
import { Buffer } from "node:buffer";
import type { DialectName, Framing } from "../../src/dialects/dialect.ts";
import { DIALECTS_UNDER_TEST } from "../../src/dialects/fixtures/dialects-under-test.ts";
import { parseJsonObject } from "../../src/wire/json.ts";
import { tryError, tryReply, tryRequest, tryStream, tryTap } from "./decoders.ts";

export const CASE_KINDS = ["request", "reply", "stream", "error"] as const;
export type CaseKind = (typeof CASE_KINDS)[number];

export interface FuzzCase {
  readonly kind: CaseKind;
  readonly dialect: DialectName;
  /** Of a stream. */
  readonly framing: Framing;
  /** The body breaks off. */
  readonly isCut: boolean;
  /** Where the bytes are cut into pieces. */
  readonly cuts: readonly number[];
  readonly bytes: Uint8Array;
}

/** Throws when a decoder breaks one of its promises. */
export function runCase({ kind, dialect: name, framing, isCut, cuts, bytes }: FuzzCase): void {
  const dialect = DIALECTS_UNDER_TEST[name];
  switch (kind) {
    case "request":
    case "reply": {
      if (kind === "reply") tryTap(dialect, "json", [bytes]);
      const body = parseJsonObject(bytes);
      if (body === null) return;
      if (kind === "request") tryRequest(dialect, body);
      else tryReply(dialect, body);
      return;
    }
    case "stream": {
      const pieces = [0, ...cuts].map((from, index) => bytes.subarray(from, cuts[index] ?? bytes.length));
      tryStream(dialect, framing, pieces, isCut);
      tryTap(dialect, framing, pieces);
      return;
    }
    case "error":
      tryError(dialect, Buffer.from(bytes).toString("utf8"));
  }
}

/** The case as text that can be stored. */
export function encodeCase({ bytes, ...rest }: FuzzCase): string {
  return JSON.stringify({ ...rest, bytes: Buffer.from(bytes).toString("base64") });
}

export function decodeCase(text: string): FuzzCase {
  const { bytes, ...rest } = JSON.parse(text);
  return { ...rest, bytes: Buffer.from(bytes, "base64") };
}
