/** Reads what a refusal says, in the forms of the servers that are known. */
import type { JsonObject } from "../../core/json.ts";
import { errorEnvelope, unwrapError } from "../../dialects/shared/error-body.ts";
import { asArray, asObject, asString, wordOf } from "../../wire/json.ts";

/** One thing that a refusal says. */
export interface Statement {
  readonly words: string;
  /** The path of the member that the server names as unknown or unsupported in a field of its own. */
  readonly refused: string | null;
  /** The server refuses the member's value, and may take another one. */
  readonly isOfValue: boolean;
}

const MAX_STATEMENTS = 32;
const MAX_WORDS_CHARS = 1_000;

/** Codes that say that the member in `param` or `loc` is refused, whatever the words are. */
const REFUSED_CODES =
  /^(?:unknown_parameter|unsupported_parameter|extra_forbidden|unrecognized_parameter|unsupported_value)$/;

/** Kinds of pydantic's errors that refuse a word where the server knows others (Mistral). */
const REFUSED_WORDS = /^(?:enum|literal_error)$/;

/**
 * What relays and frameworks write before the provider's own words: LiteLLM, DashScope, axum (DeepSeek),
 * Jinja's templates in llama.cpp and LM Studio, OpenCode and its like.
 */
const PREFIX =
  /^(?:\d{3} |<\d{3}> [\w.]+: |Error code: \d{3} - |HTTP \d{3}: |[\w.]+\.\w+(?:Error|Exception): |\w+Exception - |Error from provider(?: \([^)]{0,40}\))?: |Upstream request failed: |Failed to deserialize the JSON body into the target type: |Error: |Jinja Exception: |Error rendering prompt with jinja template: "?|\[\d+\] )+/;

/** A validation error of pydantic as Python prints it: vLLM sends the list as text. */
const PRINTED =
  /^\[?\{(?:'type': '(?<type>\w+)', )?'loc': [([]'body', ?(?<loc>[^)\]]{1,200})[)\]], 'msg': (?:'(?<msg>[^']{1,200})'|"(?<quoted>[^"]{1,200})")/;

/** `body`: an error body, or an error object. */
export function readStatements(body: string): readonly Statement[] {
  const envelope = errorEnvelope(body);
  const found =
    envelope === null ? linesOf(body) : statementsOf(unwrapError(asObject(envelope.error) ?? envelope));
  return found.slice(0, MAX_STATEMENTS);
}

function statementsOf(error: JsonObject): readonly Statement[] {
  const { message, msg, error: inner, detail, errors, code } = error;
  const refused = isRefusedCode(code) || isRefusedCode(error.type) ? asString(error.param) : null;
  const isOfValue = code === "unsupported_value";
  const texts = [message, msg, inner, detail, asObject(detail)?.message, code].map(asString);
  return [
    ...texts.flatMap((text) => (text === null ? [] : linesOf(text, refused, isOfValue))),
    ...[message, detail, errors].flatMap((list) => asArray(list).slice(0, MAX_STATEMENTS).flatMap(listed)),
  ];
}

/** An entry of FastAPI's list of validation errors. */
function listed(entry: unknown): readonly Statement[] {
  const { loc, msg, type } = asObject(entry) ?? {};
  const at = pathOf(asArray(loc).map(wordOf));
  const words = asString(msg) ?? asString(entry);
  if (words === null) return [];
  if (at === "") return linesOf(words);
  const isOfValue = typeof type === "string" && REFUSED_WORDS.test(type);
  return [
    { words: cut(`${at}: ${words}`), refused: isRefusedCode(type) || isOfValue ? at : null, isOfValue },
  ];
}

/** Google and templates say several things, each on a line of its own. */
function linesOf(text: string, refused: string | null = null, isOfValue = false): readonly Statement[] {
  return text.split("\n", MAX_STATEMENTS).flatMap((line) => {
    const said = cut(line.trim());
    const words = said.slice(PREFIX.exec(said)?.[0].length ?? 0);
    return words === "" ? [] : [printed(words) ?? { words, refused, isOfValue }];
  });
}

function printed(words: string): Statement | null {
  const groups = PRINTED.exec(words)?.groups;
  if (groups === undefined) return null;
  const at = pathOf((groups.loc ?? "").replace(/['" ]/g, "").split(","));
  const refused = isRefusedCode(groups.type) ? at : null;
  return { words: `${at}: ${groups.msg ?? groups.quoted ?? ""}`, refused, isOfValue: false };
}

function pathOf(steps: readonly string[]): string {
  return steps.filter((step) => step !== "" && step !== "body").join(".");
}

function cut(text: string): string {
  return text.slice(0, MAX_WORDS_CHARS);
}

function isRefusedCode(code: unknown): boolean {
  return typeof code === "string" && REFUSED_CODES.test(code);
}
