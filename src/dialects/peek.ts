/**
 * What the gateway must know of a request before it decides, read without building the body: model, stream,
 * the provider's state, and where the bytes stand that a relay may have to change.
 */
import { Buffer } from "node:buffer";
import { GatewayError } from "../core/errors.ts";
import { JsonScanner, MAX_DEPTH } from "../wire/json-scan.ts";
import { type SpliceEdit, splice } from "../wire/json-splice.ts";
import { JsonWords, WordSearch } from "../wire/json-words.ts";
import {
  type Dialect,
  type DialectName,
  type Peek,
  type PeekSink,
  type UsageOption,
  WORD_KINDS,
} from "./dialect.ts";
import { DIALECTS } from "./index.ts";

const WORDS = Object.fromEntries(
  Object.values(DIALECTS).map((dialect: Dialect) => [dialect.name, wordsOf(dialect)]),
) as Readonly<Record<DialectName, JsonWords>>;

function wordsOf({ providerIds, foreignForms }: Dialect): JsonWords {
  const { naming, foreign } = WORD_KINDS;
  return new JsonWords([
    ...providerIds.words.map((text) => ({ text, kind: naming })),
    ...(foreignForms?.words ?? []).map((text) => ({ text, kind: foreign })),
  ]);
}

/**
 * Reads what a request says at its top level. Throws `bad_request` when the body is no JSON object, when
 * `model` is not one string, or when `stream` is no boolean. The upstream judges everything else.
 */
export function peekRequest(dialect: DialectName, body: Uint8Array): Peek {
  const { peekShape, makePeekSink } = DIALECTS[dialect];
  const sink = makePeekSink();
  const search = new WordSearch(WORDS[dialect]);
  const scanner = new JsonScanner(peekShape, sink, search);
  scanner.push(body);
  sink.words = search.found;
  if (scanner.status !== "closed" || sink.insertAt === -1) throw notAnObject(scanner, sink, body);
  return sink;
}

function notAnObject(scanner: JsonScanner, sink: PeekSink, body: Uint8Array): GatewayError {
  const repair = "send one JSON object";
  if (body.length === 0) return new GatewayError("bad_request", `the request body is empty; ${repair}`);
  if (scanner.status === "open") {
    const fault = sink.insertAt === -1 ? "holds no JSON object" : "ends before its JSON object is closed";
    return new GatewayError(
      "bad_request",
      `the request body ${fault} (after byte ${body.length}); ${repair}`,
    );
  }
  if (scanner.status === "closed") {
    return new GatewayError("bad_request", `the request body is a JSON array; ${repair}`);
  }
  const at = scanner.invalidAt;
  if (scanner.fault === "too deep") {
    return new GatewayError(
      "bad_request",
      `the request body nests more than ${MAX_DEPTH} levels deep (at byte ${at}); flatten it`,
    );
  }
  if (sink.insertAt === -1) {
    return new GatewayError(
      "bad_request",
      `the request body is not a JSON object (at byte ${at}); ${repair}`,
    );
  }
  const fault = scanner.fault === "trailing" ? "continues behind its JSON object" : "is not valid JSON";
  return new GatewayError("bad_request", `the request body ${fault} (at byte ${at}); ${repair}`);
}

/**
 * The edits of a relay in one copy: another model (null leaves it) or the edits that name it as its provider wants, and a
 * usage option switched on (null leaves it). `peek` is of this very body, not of an edited one. Every other byte stays.
 * Returns the body itself when nothing has to change.
 */
export function rewriteRequest(
  body: Uint8Array,
  peek: Peek,
  model: string | readonly SpliceEdit[] | null,
  usageOption: UsageOption | null,
): Uint8Array {
  const edits = usageOption?.isOff(peek) === true ? [...usageOption.editsOn(body, peek)] : [];
  if (typeof model === "object" && model !== null) edits.push(...model);
  else if (model !== null && peek.modelStart !== -1 && model !== peek.model) {
    edits.push({ start: peek.modelStart, end: peek.modelEnd, replacement: jsonOf(model) });
  }
  if (edits.length > 1) edits.sort((a, b) => a.start - b.start);
  return edits.length === 0 ? body : splice(body, edits);
}

/** Names of models as JSON: upstreams have few. */
const jsonOfModels = new Map<string, Uint8Array>();
const MAX_REMEMBERED_MODELS = 256;
const MAX_MODEL_CHARS = 256;

function jsonOf(model: string): Uint8Array {
  const known = jsonOfModels.get(model);
  if (known !== undefined) return known;
  const json = Buffer.from(JSON.stringify(model));
  // Clients name models that pass through, so bounds keep memory small.
  if (model.length > MAX_MODEL_CHARS) return json;
  if (jsonOfModels.size >= MAX_REMEMBERED_MODELS) jsonOfModels.clear();
  jsonOfModels.set(model, json);
  return json;
}
