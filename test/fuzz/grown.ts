/** Cases that somebody lengthens: one body with so many pieces, and the same with four times as many. */
import { Buffer } from "node:buffer";
import { isObject } from "../../src/core/json.ts";
import type { DialectName } from "../../src/dialects/dialect.ts";
import type { Chance } from "../faults/seeded.ts";
import { SSE_RECORDINGS } from "../kit/recordings.ts";
import { growthsOf, piecesFor, textPairsOf } from "../security/growth.ts";
import { type FrameGrowth, framesOf, insideFramesOf, STREAM_GROWTHS } from "../security/replies.ts";
import { SCHEMA_GROWTHS, withSchema } from "../security/schemas.ts";
import { mutateValue } from "./mutation.ts";
import type { Seed } from "./seeds.ts";

export interface Grown {
  readonly bytes: Uint8Array;
  /** With a quarter of the pieces. */
  readonly quarter: Uint8Array;
}

/** Bytes of the smaller body. Below them a cost says little about its growth. */
const SMALLER_BYTES = [48_000, 128_000];
const MAX_BYTES = 4 * 2 ** 20;
const MAX_SEED_BYTES = 20_000;
/** A body with more lists has too many pairs of lists. */
const MAX_LISTS = 60;
/** Of bodies: two texts, one nearly within the other. */
const TEXTS_SHARE = 0.2;
/** Of streams: one of their frames. */
const INSIDE_SHARE = 0.4;

/** A lengthened case; null: this seed cannot be lengthened so. */
export function grow({ kind, dialect, framing, bytes }: Seed, chance: Chance): Grown | null {
  if (kind === "stream") return framing === "sse" ? grownStream(dialect, chance) : null;
  if (bytes.length > MAX_SEED_BYTES) return null;
  return grownBody(kind === "request" && chance.next() < 0.3 ? schemaBody(dialect, chance) : bytes, chance);
}

function grownBody(bytes: Uint8Array, chance: Chance): Grown | null {
  const good: unknown = parsed(bytes);
  const body = chance.next() < 0.4 ? mutateValue(good, chance) : good;
  if (!isObject(body)) return null;
  const shape = JSON.stringify(body);
  if (shape.length > MAX_SEED_BYTES || shape.split("[").length > MAX_LISTS) return null;
  const growths =
    chance.next() < TEXTS_SHARE ? textPairsOf(body, (pairs) => chance.whole(0, pairs - 1)) : growthsOf(body);
  if (growths.length === 0) return null;
  const growth = chance.pick(growths);
  const pieces = piecesFor(growth, chance.pick(SMALLER_BYTES));
  const text = (times: number): Uint8Array => Buffer.from(JSON.stringify(growth.grown(times * pieces)));
  return within(text(4), text(1));
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch {
    // An error may be a page.
    return null;
  }
}

/** A request whose tool has two hostile schemas, one beside the other: small ones, to be lengthened. */
function schemaBody(dialect: DialectName, chance: Chance): Uint8Array {
  const [a, b] = [chance.pick(SCHEMA_GROWTHS), chance.pick(SCHEMA_GROWTHS)].map(({ schema }) => schema(4));
  return Buffer.from(JSON.stringify(withSchema(dialect, { ...a, ...b })));
}

/** Two kinds of frames in turn, or one frame that is long. */
function grownStream(dialect: DialectName, chance: Chance): Grown | null {
  const recordings = SSE_RECORDINGS.filter((recording) => recording.dialect === dialect);
  if (chance.next() < INSIDE_SHARE) {
    const growth = chance.pick(recordings.flatMap(insideFramesOf));
    const pieces = piecesFor(growth, chance.pick(SMALLER_BYTES));
    const text = (times: number): Uint8Array => Buffer.from(growth.streamOf(growth.grown(times * pieces)));
    return within(text(4), text(1));
  }
  const recorded = recordings.flatMap(framesOf);
  const growths: readonly FrameGrowth[] = [...STREAM_GROWTHS[dialect], ...recorded];
  const [first, second] = [chance.pick(growths), chance.pick(growths)];
  const frame = (n: number): string => first.frame(n) + second.frame(n);
  const pieces = Math.ceil(chance.pick(SMALLER_BYTES) / Math.max(1, frame(1_000).length));
  const text = (times: number): Uint8Array =>
    Buffer.from(
      first.before + Array.from({ length: times * pieces }, (_, n) => frame(n)).join("") + first.after,
    );
  return within(text(4), text(1));
}

function within(bytes: Uint8Array, quarter: Uint8Array): Grown | null {
  return bytes.length <= MAX_BYTES && bytes.length > quarter.length ? { bytes, quarter } : null;
}
