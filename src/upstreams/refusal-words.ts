/** Reads what a refusal says, in the envelopes of the servers that are known. */
import { isObject } from "../core/json.ts";

/** One thing that a refusal says. */
export interface Statement {
  readonly words: string;
  /** The path of the member that the server names as unknown or unsupported in a field of its own. */
  readonly refused: string | null;
}

const MAX_STATEMENTS = 32;
const MAX_WORDS_CHARS = 1_000;
/** Errors inside errors: a relay's own envelope around that of the provider. */
const MAX_DEPTH = 4;

/** Codes that say that the member in `param` or `loc` is refused, whatever the words are. */
const REFUSED_CODES = /^(?:unknown_parameter|unsupported_parameter|extra_forbidden|unrecognized_parameter)$/;

/**
 * What relays and frameworks write before the provider's own words: LiteLLM, DashScope, axum (DeepSeek),
 * Jinja's templates in llama.cpp, OpenCode and its like.
 */
const PREFIX =
  /^(?:\d{3} |<\d{3}> [\w.]+: |Error code: \d{3} - |HTTP \d{3}: |[\w.]+\.\w+(?:Error|Exception): |\w+Exception - |Error from provider(?: \([^)]{0,40}\))?: |Upstream request failed: |Failed to deserialize the JSON body into the target type: |Error: |Jinja Exception: |Error rendering prompt with jinja template: "?|\[\d+\] )+/;

/** A validation error of pydantic as Python prints it: vLLM sends the list as text. */
const PRINTED =
  /^\[?\{(?:'type': '(?<type>\w+)', )?'loc': [([]'body', ?(?<loc>[^)\]]{1,200})[)\]], 'msg': (?:'(?<msg>[^']{1,200})'|"(?<quoted>[^"]{1,200})")/;

export function readStatements(body: string): readonly Statement[] {
  const found: Statement[] = [];
  readValue(parseOr(body, body), found, 0);
  return found;
}

function readValue(value: unknown, found: Statement[], depth: number): void {
  if (depth > MAX_DEPTH || found.length >= MAX_STATEMENTS) return;
  if (typeof value === "string") readText(value, null, found, depth);
  else if (Array.isArray(value)) for (const item of value) readValue(item, found, depth + 1);
  else if (isObject(value)) readObject(value, found, depth);
}

function readObject(object: Readonly<Record<string, unknown>>, found: Statement[], depth: number): void {
  const { loc, msg, param, code, type, message, error, detail, errors, metadata } = object;
  const at = Array.isArray(loc) ? pathOf(loc) : null;
  if (at !== null && typeof msg === "string") {
    const isRefused = [type, code].some(isRefusedCode);
    add(found, { words: `${at}: ${msg}`, refused: isRefused ? at : null });
    return;
  }
  const refused = typeof param === "string" && [code, type].some(isRefusedCode) ? param : null;
  for (const said of [message, msg, error, detail, errors]) {
    if (typeof said === "string") readText(said, refused, found, depth);
    else readValue(said, found, depth + 1);
  }
  if (typeof code === "string") add(found, { words: code, refused });
  if (isObject(metadata)) readValue(metadata.raw, found, depth + 1);
}

/** Google and templates say several things, each on a line of its own. */
function readText(text: string, refused: string | null, found: Statement[], depth: number): void {
  for (const line of text.split("\n", MAX_STATEMENTS)) {
    const said = line.trim();
    const words = said.slice(PREFIX.exec(said.slice(0, MAX_WORDS_CHARS))?.[0].length ?? 0);
    const inner = /^[[{]/.test(words) ? parseOr(words, null) : null;
    if (inner !== null) readValue(inner, found, depth + 1);
    else add(found, printed(words) ?? { words: words.slice(0, MAX_WORDS_CHARS), refused });
  }
}

function printed(words: string): Statement | null {
  const groups = PRINTED.exec(words)?.groups;
  if (groups === undefined) return null;
  const at = (groups.loc ?? "").replace(/['" ]/g, "").split(",").filter(isStep).join(".");
  const refused = isRefusedCode(groups.type) ? at : null;
  return { words: `${at}: ${groups.msg ?? groups.quoted ?? ""}`, refused };
}

function add(found: Statement[], statement: Statement): void {
  if (statement.words !== "" && found.length < MAX_STATEMENTS) found.push(statement);
}

function isRefusedCode(code: unknown): boolean {
  return typeof code === "string" && REFUSED_CODES.test(code);
}

function pathOf(loc: readonly unknown[]): string {
  return loc.map(String).filter(isStep).join(".");
}

function isStep(step: string): boolean {
  return step !== "" && step !== "body";
}

function parseOr(text: string, otherwise: unknown): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return otherwise;
  }
}
