/** The bytes that show a client that its stream is alive. */
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
