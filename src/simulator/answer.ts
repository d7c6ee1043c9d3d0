// What a simulated model says: decided here once for all dialects, from the request alone.

import { exampleOf } from "./example.ts";
import { countTokens, type PromptCache } from "./prompt-cache.ts";

export interface ToolOffer {
  readonly name: string;
  readonly kind: "function" | "custom";
  readonly schema: unknown;
  /** The Responses namespace that the tool stands in. */
  readonly namespace?: string;
}

/** The part of a request that the answer hangs on. */
export interface Question {
  readonly model: string;
  readonly organization: string;
  /** The prompt in stable parts: tools, system, then each turn. */
  readonly prompt: readonly string[];
  readonly lastUserText: string;
  /** The last turn brings tool results: now it is time for text. */
  readonly hasToolResult: boolean;
  readonly tools: readonly ToolOffer[];
  /** A list names the tools that must be called. */
  readonly choice: "none" | "auto" | "required" | readonly string[];
  readonly isParallel: boolean;
  readonly isReasoning: boolean;
  /** A JSON Schema, true for any JSON, undefined for prose. */
  readonly format?: unknown;
  readonly maxTokens?: number;
  readonly stops: readonly string[];
}

/** Scripted sizes. */
export interface AnswerSize {
  /** Number of content deltas. */
  readonly deltas?: number;
  /** Bytes of one huge delta in front. */
  readonly hugeBytes?: number;
}

export interface Call {
  readonly tool: ToolOffer;
  /** JSON of the arguments, or the bare input of a custom tool. */
  readonly input: string;
}

export interface Answer {
  readonly reasoning: readonly string[];
  readonly text: readonly string[];
  readonly calls: readonly Call[];
  readonly ending: "end" | "length" | "stop" | "tool";
  readonly stopSequence?: string;
  readonly usage: {
    /** All prompt tokens, cached ones among them. */
    readonly prompt: number;
    readonly cached: number;
    /** All output tokens, reasoning among them. */
    readonly output: number;
    readonly reasoning: number;
  };
}

const WORDS_PER_DELTA = 3;
const ECHO_CHARS = 400;
const REASONING =
  "The question is read first. Then the tools are looked over. An echo of the last words will do as an answer.";

/** A scripted size stands above tools and limits: it is what the test asked for. */
export function makeAnswer(question: Question, size: AnswerSize, cache: PromptCache): Answer {
  const isSized = size.deltas !== undefined || size.hugeBytes !== undefined;
  const maxTokens = isSized ? undefined : question.maxTokens;
  const limit = maxTokens ?? Number.POSITIVE_INFINITY;
  const prompt = cache.look(question.organization, question.model, question.prompt);
  const reasoning = question.isReasoning ? deltas(REASONING) : [];
  const reasoningTokens = reasoning.length === 0 ? 0 : countTokens(REASONING);
  const calls = isSized ? [] : pickTools(question).map((tool) => ({ tool, input: inputFor(tool, question) }));
  const full: { text: readonly string[]; stop?: string } =
    calls.length > 0 ? { text: [] } : cutAtStop(textDeltas(question, size), question.stops);
  const fitted = cutAtTokens(full.text, limit - reasoningTokens);
  const callTokens = calls.reduce((sum, call) => sum + countTokens(call.tool.name + call.input), 0);
  const isTooLong = fitted.isCut || callTokens > Math.max(0, limit - reasoningTokens);
  const keptCalls = isTooLong ? [] : calls;
  const contentTokens = keptCalls.length > 0 ? callTokens : fitted.tokens;
  const usage = {
    prompt: prompt.total,
    cached: prompt.cached,
    output: Math.min(reasoningTokens + contentTokens, limit),
    reasoning: Math.min(reasoningTokens, limit),
  };
  const base = { reasoning, text: fitted.text, calls: keptCalls, usage };
  if (isTooLong) {
    return { ...base, ending: "length" };
  }
  if (full.stop !== undefined) {
    return { ...base, ending: "stop", stopSequence: full.stop };
  }
  return { ...base, ending: keptCalls.length > 0 ? "tool" : "end" };
}

/** A text in pieces of a few words; joined they are the text again. */
export function deltas(text: string): string[] {
  const words = text.match(/\S+\s*|^\s+/g) ?? [];
  const pieces: string[] = [];
  for (let index = 0; index < words.length; index += WORDS_PER_DELTA) {
    pieces.push(words.slice(index, index + WORDS_PER_DELTA).join(""));
  }
  return pieces;
}

function textDeltas(question: Question, size: AnswerSize): string[] {
  const huge = size.hugeBytes === undefined ? [] : ["x".repeat(size.hugeBytes)];
  if (size.deltas !== undefined) {
    return [...huge, ...Array.from({ length: size.deltas }, (_, index) => `word${index + 1} `)];
  }
  if (question.format !== undefined) {
    const value =
      question.format === true ? { answer: echo(question.lastUserText) } : exampleOf(question.format);
    return [...huge, ...pieces(JSON.stringify(value))];
  }
  return [
    ...huge,
    ...deltas(
      `You said: “${echo(question.lastUserText)}” ` +
        `This is ${question.model}, simulated. ` +
        (question.hasToolResult ? "The result of the tool has been read. " : "No provider was asked. ") +
        "Have a naïve café in 東京 🙂.",
    ),
  ];
}

function echo(text: string): string {
  const characters = Array.from(text.trim());
  return characters.length <= ECHO_CHARS
    ? characters.join("")
    : `${characters.slice(0, ECHO_CHARS).join("")}…`;
}

/** JSON has few spaces: pieces of a few characters instead of words. */
export function pieces(text: string): string[] {
  return text.match(/[\s\S]{1,12}/gu) ?? [];
}

function pickTools(question: Question): readonly ToolOffer[] {
  const { choice, tools, lastUserText } = question;
  if (choice === "none" || tools.length === 0) {
    return [];
  }
  if (Array.isArray(choice)) {
    return tools.filter((tool) => choice.includes(tool.name)).slice(0, 1);
  }
  const named = tools.filter((tool) => mentions(lastUserText, tool.name));
  const wanted = question.isParallel ? named : named.slice(0, 1);
  if (choice === "required") {
    return wanted.length > 0 ? wanted : tools.slice(0, 1);
  }
  if (question.hasToolResult) {
    return [];
  }
  if (wanted.length > 0) {
    return wanted;
  }
  return /\btools?\b/i.test(lastUserText) ? tools.slice(0, 1) : [];
}

function mentions(text: string, name: string): boolean {
  const at = text.indexOf(name);
  const isWordAt = (index: number) => /[A-Za-z0-9]/.test(text.charAt(index));
  return at >= 0 && !isWordAt(at - 1) && !isWordAt(at + name.length);
}

function inputFor(tool: ToolOffer, question: Question): string {
  return tool.kind === "custom" ? echo(question.lastUserText) : JSON.stringify(exampleOf(tool.schema) || {});
}

function cutAtStop(
  text: readonly string[],
  stops: readonly string[],
): { text: readonly string[]; stop?: string } {
  const whole = text.join("");
  let cutAt = whole.length;
  let stop: string | undefined;
  for (const candidate of stops) {
    const at = candidate === "" ? -1 : whole.indexOf(candidate);
    if (at >= 0 && at < cutAt) {
      cutAt = at;
      stop = candidate;
    }
  }
  return stop === undefined ? { text } : { text: keepChars(text, cutAt), stop };
}

function cutAtTokens(
  text: readonly string[],
  maxTokens: number,
): { text: readonly string[]; tokens: number; isCut: boolean } {
  const chars = text.reduce((sum, piece) => sum + piece.length, 0);
  const tokens = chars === 0 ? 0 : Math.ceil(chars / 4);
  if (tokens <= maxTokens) {
    return { text, tokens, isCut: false };
  }
  const room = Math.max(0, maxTokens);
  return { text: keepChars(text, room * 4), tokens: room, isCut: true };
}

/** The first characters of a list of pieces; never half of a surrogate pair. */
function keepChars(text: readonly string[], chars: number): string[] {
  const kept: string[] = [];
  let left = chars;
  for (const piece of text) {
    if (left <= 0) {
      break;
    }
    const part = piece.slice(0, left).replace(/[\ud800-\udbff]$/, "");
    if (part !== "") {
      kept.push(part);
    }
    left -= piece.length;
  }
  return kept;
}
