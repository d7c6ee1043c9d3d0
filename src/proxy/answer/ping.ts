/**
 * Bytes beside the answer: they show a client that its stream is alive, or tell what came too late for its
 * head.
 */
import type { DialectName, Framing } from "../../dialects/dialect.ts";
import { DIALECTS } from "../../dialects/index.ts";

const encoder = new TextEncoder();
const pings = new Map<string, Uint8Array | null>();

/** null: the framing has no place for a ping. */
export function pingOf(dialect: DialectName, framing: Framing): Uint8Array | null {
  const known = pings.get(dialect + framing);
  if (known !== undefined) return known;
  const text = DIALECTS[dialect].ping(framing);
  const made = text === null ? null : encoder.encode(text);
  pings.set(dialect + framing, made);
  return made;
}

/** Headers as comments in front of an event. null: there are none, or the stream has no comments. */
export function noteOf(
  dialect: DialectName,
  framing: Framing,
  headers: readonly (readonly [string, string])[],
): Uint8Array | null {
  if (framing !== "sse" || !DIALECTS[dialect].takesComments || headers.length === 0) return null;
  const lines = headers.map(([name, value]) => `: ${name}: ${value.replaceAll(/[\r\n]/g, " ")}\n`);
  return encoder.encode(lines.join(""));
}
