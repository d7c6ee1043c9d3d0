// One request as a dialect receives the request: body read, fault suffixes removed.

import type { JsonRecord } from "../base/json.ts";
import type { Persona } from "../personas/persona.ts";
import type { SimulatedAnswer } from "./answer.ts";
import type { Question } from "./question.ts";
import type { Script } from "./script.ts";

export interface SimRequest {
  readonly body: JsonRecord;
  /** The model without its fault suffix. */
  readonly model: string;
  /** The key without its fault suffix. */
  readonly key: string;
  /** Keys of one organisation share limits, caches and sealed reasoning. */
  readonly organization: string;
  readonly path: string;
  readonly query: URLSearchParams;
  header(name: string): string | undefined;
  readonly nowMs: number;
  /** Lower-case hex of that many random bytes, for ids. */
  hex(bytes: number): string;
  readonly script: Script;
  /** The server that is asked, at a path of its own; absent: OpenAI, or a compatible server of no name. */
  readonly persona?: Persona;
  answer(question: Question): SimulatedAnswer;
}
