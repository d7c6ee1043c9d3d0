/** Makes the tap for a framing. */
import type { Tap, TapOptions } from "../../dialect.ts";
import type { AnswerReader } from "./answer-reader.ts";
import { ArrayTap } from "./array-tap.ts";
import { JsonTap } from "./json-tap.ts";
import { SseTap } from "./sse-tap.ts";

export function tapOf(reader: AnswerReader, options: TapOptions): Tap {
  switch (options.framing) {
    case "json":
      return new JsonTap(reader, options.maxHeldBytes);
    case "sse":
      return new SseTap(reader, options.maxHeldBytes);
    case "json-array":
      return new ArrayTap(reader, options.maxHeldBytes);
  }
}
