/** One try at a decoder, as bytes that can be stored and tried again. */
import { Buffer } from "node:buffer";
import type { DialectName, Framing } from "../../src/dialects/dialect.ts";
import { DIALECTS_UNDER_TEST } from "../../src/dialects/fixtures/dialects-under-test.ts";
import { parseJsonObject } from "../../src/wire/json.ts";
import { growthOf, isLinear } from "../security/cpu.ts";
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
  /** The same with a quarter of the pieces; null: nothing was lengthened. */
  readonly quarter: Uint8Array | null;
}

/** The CPU time that a case may take, and more for a large one; a slower case is tried once more. */
const SLOW_MS = 1_000;
const SLOW_MS_PER_MB = 2_000;
const MB = 2 ** 20;

/** Throws when a decoder breaks one of its promises. */
function runCase({ kind, dialect: name, framing, isCut, cuts, bytes }: FuzzCase): void {
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

/** The fault that a case shows; null: none. */
export function faultOf(fuzzCase: FuzzCase): string | null {
  try {
    return slownessOf(fuzzCase) ?? steepnessOf(fuzzCase);
  } catch (error) {
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
}

function slownessOf(fuzzCase: FuzzCase): string | null {
  const limitMs = SLOW_MS + (fuzzCase.bytes.length / MB) * SLOW_MS_PER_MB;
  let tookMs = 0;
  for (let tries = 0; tries < 2; tries++) {
    const startedMs = threadCpuMs();
    runCase(fuzzCase);
    tookMs = threadCpuMs() - startedMs;
    if (tookMs < limitMs) return null;
  }
  return `it took ${tookMs.toFixed(0)} ms of CPU time`;
}

/** Unlike the time of day, this does not grow while other programs have the core. */
function threadCpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}

function steepnessOf(fuzzCase: FuzzCase): string | null {
  const { quarter } = fuzzCase;
  if (quarter === null) return null;
  const growth = growthOf((times) => runCase(times === 1 ? { ...fuzzCase, bytes: quarter } : fuzzCase));
  return isLinear(growth) ? null : `it costs ${growth.toFixed(1)} times as much for four times as much`;
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");

/** The case as text that can be stored. */
export function encodeCase({ bytes, quarter, ...rest }: FuzzCase): string {
  return JSON.stringify({
    ...rest,
    bytes: base64(bytes),
    quarter: quarter === null ? null : base64(quarter),
  });
}

export function decodeCase(text: string): FuzzCase {
  const { bytes, quarter, ...rest } = JSON.parse(text);
  return {
    ...rest,
    bytes: Buffer.from(bytes, "base64"),
    quarter: quarter === null ? null : Buffer.from(quarter, "base64"),
  };
}
