// Decides the answer of the simulated model, once for all dialects, from the request and its script.

import { isRecord } from "../base/json.ts";
import { dueCall } from "./agent-turn.ts";
import { type Citation, citationsOf, SOURCES, type Source } from "./citation.ts";
import { exampleOf } from "./example.ts";
import { countTokens, type PromptCache, type PromptTokens } from "./prompt-cache.ts";
import { lastUserText, newResults, type Question } from "./question.ts";
import type { Script } from "./script.ts";
import { cutAtStop, cutAtTokens, deltas, keepChars, pieces } from "./text.ts";
import type { Call, ToolOffer } from "./tool.ts";

/** Scripted sizes. */
export interface AnswerSize {
  /** Number of content deltas. */
  readonly deltas?: number;
  /** Bytes of one huge delta in front. */
  readonly hugeBytes?: number;
}

/** One part of an answer; the parts stand in the order of the stream. */
export type Part =
  | { readonly kind: "reasoning"; readonly deltas: readonly string[]; readonly isHidden: boolean }
  | { readonly kind: "text"; readonly deltas: readonly string[]; readonly citations: readonly Citation[] }
  | { readonly kind: "refusal"; readonly deltas: readonly string[] }
  | { readonly kind: "search"; readonly query: string; readonly sources: readonly Source[] }
  | { readonly kind: "call"; readonly call: Call; readonly isCut: boolean };

export interface SimulatedAnswer {
  readonly parts: readonly Part[];
  readonly ending: "end" | "length" | "stop" | "tool" | "refusal" | "pause" | "continue";
  readonly stopSequence?: string;
  readonly usage: {
    readonly prompt: PromptTokens;
    /** All output tokens, reasoning among them. */
    readonly output: number;
    readonly reasoning: number;
    readonly searches: number;
  };
}

const ECHO_CHARS = 400;
const REASONING =
  "The question is read first. Then the tools are looked over. An echo of the last words will do as an answer.";
const SECOND_THOUGHT = "On second thought, there is more to say.";
/** The text of a refusal. */
export const REFUSAL = "I’m sorry, but I can’t help with that.";

/** Decides the answer. A scripted size overrides tools and limits, because the test asked for it. */
export function makeAnswer(
  question: Question,
  script: Script,
  size: AnswerSize,
  cache: PromptCache,
): SimulatedAnswer {
  const isSized = size.deltas !== undefined || size.hugeBytes !== undefined;
  const limit = (isSized ? undefined : question.maxTokens) ?? Number.POSITIVE_INFINITY;
  const prompt = cache.look(question, script.count("cache-min"));
  const planned = plan(question, script, size);
  const fitted = fit(script.has("length") ? withCutEnd(planned) : planned, limit, question.stops);
  const reasoning = sum(fitted.parts, (part) => (part.kind === "reasoning" ? tokensOf(part) : 0));
  return {
    ...fitted,
    usage: {
      prompt,
      output: Math.min(sum(fitted.parts, tokensOf), limit),
      reasoning: Math.min(reasoning, limit),
      searches: fitted.parts.filter((part) => part.kind === "search").length,
    },
  };
}

type Draft = Pick<SimulatedAnswer, "parts" | "ending" | "stopSequence">;

function plan(question: Question, script: Script, size: AnswerSize): Draft {
  if (script.has("refuses") || script.has("blocks")) {
    const isEmpty = script.has("blocks") || script.text("refuses") !== undefined;
    return { parts: isEmpty ? [] : [{ kind: "refusal", deltas: deltas(REFUSAL) }], ending: "refusal" };
  }
  const isSized = size.deltas !== undefined || size.hugeBytes !== undefined;
  const thoughts = thoughtsOf(question, script);
  const calls = isSized ? [] : callsOf(question, script);
  const hasText = calls.length === 0 || script.has("text-and-calls") || script.has("interleaves");
  const text = hasText ? textDeltas(question, script, size) : [];
  const rounds = script.count("pauses") ?? 0;
  if (question.pauses !== undefined && question.pauses < rounds) {
    const lead = { kind: "text", deltas: deltas("Let me look that up. "), citations: [] } as const;
    return { parts: [...thoughts, lead, searchOf(question)], ending: "pause" };
  }
  const hops = script.count("continues") ?? 0;
  if (question.hops !== undefined && hops > 0 && calls.length === 0) {
    const share = Math.ceil(text.length / (hops + 1));
    const deltas = text.slice(question.hops * share, (question.hops + 1) * share);
    const parts: Part[] = [...(question.hops === 0 ? thoughts : []), { kind: "text", deltas, citations: [] }];
    return { parts, ending: question.hops < hops ? "continue" : "end" };
  }
  const ending = calls.length > 0 ? "tool" : "end";
  if (script.has("interleaves")) {
    return { parts: interleaved(thoughts, text, calls), ending };
  }
  const isFromDocument = script.text("cites") === "document";
  const citations = script.has("cites") ? citationsOf(text.join(""), isFromDocument) : [];
  const parts: Part[] = [
    ...thoughts,
    ...(script.has("cites") && !isFromDocument ? [searchOf(question)] : []),
    ...(text.length > 0 ? [{ kind: "text", deltas: text, citations } as const] : []),
    ...calls,
  ];
  return { parts, ending };
}

function searchOf(question: Question): Part {
  return { kind: "search", query: echo(lastUserText(question)) || "simulator", sources: SOURCES };
}

function thoughtsOf(question: Question, script: Script): Part[] {
  const isHidden = script.has("redacted");
  const isThinking = question.isReasoning || script.has("thinks") || isHidden;
  return isThinking ? [{ kind: "reasoning", deltas: deltas(REASONING), isHidden }] : [];
}

function callsOf(question: Question, script: Script): Extract<Part, { kind: "call" }>[] {
  const due = dueCall(question);
  const tools = pickTools(question, script.has("calls") ? script.count("calls") : undefined);
  const calls = due !== undefined ? [due] : tools.map((tool) => ({ tool, input: inputFor(tool, question) }));
  return calls.map((call) => ({
    kind: "call",
    call: script.has("no-args") ? { ...call, input: "" } : call,
    isCut: false,
  }));
}

function interleaved(thoughts: readonly Part[], text: readonly string[], calls: readonly Part[]): Part[] {
  const middle = Math.ceil(text.length / 2);
  const said = (deltas: readonly string[]): Part[] =>
    deltas.length === 0 ? [] : [{ kind: "text", deltas, citations: [] }];
  const second = thoughts.map((part) => ({ ...part, deltas: deltas(SECOND_THOUGHT) }) as Part);
  return calls.length > 0
    ? [...thoughts, ...calls.slice(0, 1), ...second, ...said(text), ...calls.slice(1)]
    : [...thoughts, ...said(text.slice(0, middle)), ...second, ...said(text.slice(middle))];
}

/** Cuts the answer in the middle of its last part. */
function withCutEnd(draft: Draft): Draft {
  const last = draft.parts.at(-1);
  const rest = draft.parts.slice(0, -1);
  if (last?.kind === "call") {
    const input = last.call.input.slice(0, Math.ceil(last.call.input.length / 2));
    return { parts: [...rest, { ...last, call: { ...last.call, input }, isCut: true }], ending: "length" };
  }
  if (last?.kind === "text") {
    const half = keepChars(last.deltas, Math.ceil(last.deltas.join("").length / 2));
    return { parts: [...rest, { ...last, deltas: half, citations: [] }], ending: "length" };
  }
  return { ...draft, ending: "length" };
}

/**
 * Ends the answer at a stop sequence, or where the tokens are used up. A call is never cut: it is whole or
 * absent.
 */
function fit(draft: Draft, limit: number, stops: readonly string[]): Draft {
  const parts: Part[] = [];
  let room = limit;
  for (const part of draft.parts) {
    if (part.kind === "text" || part.kind === "refusal") {
      const stopped = part.kind === "text" ? cutAtStop(part.deltas, stops) : { text: part.deltas };
      const fitted = cutAtTokens(stopped.text, room);
      room -= fitted.tokens;
      if (fitted.text.length > 0) {
        const isWhole = fitted.text.length === part.deltas.length;
        parts.push({ ...part, deltas: fitted.text, ...(isWhole ? {} : { citations: [] }) } as Part);
      }
      if (fitted.isCut) {
        return { parts, ending: "length" };
      }
      if (stopped.stop !== undefined) {
        return { parts, ending: "stop", stopSequence: stopped.stop };
      }
      continue;
    }
    const tokens = tokensOf(part);
    if (part.kind === "call" && tokens > Math.max(0, room)) {
      return { parts, ending: "length" };
    }
    room -= tokens;
    parts.push(part);
  }
  return { ...draft, parts };
}

function tokensOf(part: Part): number {
  switch (part.kind) {
    case "call":
      return countTokens(part.call.tool.name + part.call.input);
    case "search":
      return countTokens(part.query);
    case "reasoning":
      return countTokens(part.deltas.join(""));
    case "text":
    case "refusal":
      return part.deltas.length === 0 ? 0 : countTokens(part.deltas.join(""));
  }
}

function sum(parts: readonly Part[], tokens: (part: Part) => number): number {
  return parts.reduce((total, part) => total + tokens(part), 0);
}

function textDeltas(question: Question, script: Script, size: AnswerSize): string[] {
  const huge = size.hugeBytes === undefined ? [] : ["x".repeat(size.hugeBytes)];
  if (size.deltas !== undefined) {
    return [...huge, ...Array.from({ length: size.deltas }, (_, index) => `word${index + 1} `)];
  }
  const says = script.text("says");
  if (says !== undefined) {
    return [...huge, ...deltas(says)];
  }
  const asked = lastUserText(question);
  if (question.format !== undefined) {
    const value = question.format === true ? { answer: echo(asked) } : exampleOf(question.format);
    return [...huge, ...pieces(JSON.stringify(value))];
  }
  return [
    ...huge,
    ...deltas(
      `You said: “${echo(asked)}” This is ${question.model}, simulated. ${resultText(question)}` +
        "Have a naïve café in 東京 🙂.",
    ),
  ];
}

/** Quotes the tool results, so that a test sees which of them arrived. */
function resultText(question: Question): string {
  const results = newResults(question);
  if (results.length === 0) {
    return "No provider was asked. ";
  }
  const said = results.map((result) => `“${echo(result.text)}”`).join(", ");
  return `The result of the tool has been read. It says ${said}. `;
}

function echo(text: string): string {
  const characters = Array.from(text.trim());
  return characters.length <= ECHO_CHARS
    ? characters.join("")
    : `${characters.slice(0, ECHO_CHARS).join("")}…`;
}

/** A tool that starts another agent: the simulated agent would start the next one, without end. */
const STARTS_AGENT = /^(?:task|agent|spawn_agent|.*sub_?agent)$/i;

/**
 * `count` overrides the calls that the prompt asks for, but not the limits of the request. Words of a prompt call nothing,
 * unless the prompt begins with an order: prompts of agents speak of tools all the time.
 */
function pickTools(question: Question, count: number | undefined): readonly ToolOffer[] {
  const { choice, tools, isParallel } = question;
  const hasResult = newResults(question).length > 0;
  if (choice === "none" || tools.length === 0) {
    return [];
  }
  const allowed = typeof choice === "string" ? tools : tools.filter((tool) => choice.includes(tool.name));
  if (count !== undefined) {
    const wanted = hasResult ? 0 : isParallel ? count : Math.min(count, 1);
    const callable = allowed.filter(({ name }) => !STARTS_AGENT.test(name));
    return Array.from({ length: wanted }, (_, index) => callable[index % callable.length]).filter(
      (tool) => tool !== undefined,
    );
  }
  if (typeof choice !== "string") {
    return allowed.slice(0, 1);
  }
  const ordered = orderedTools(lastUserText(question), tools);
  const wanted = isParallel ? ordered : ordered.slice(0, 1);
  if (choice === "required") {
    return wanted.length > 0 ? wanted : tools.slice(0, 1);
  }
  return hasResult ? [] : wanted;
}

const ORDER = /^\s*(?:use|call)\s+/i;
const BETWEEN_NAMES = /^(?:the\s+)?(?:tools?\s+)?/i;
const AND = /^(?:\s*,\s*(?:and\s+)?|\s+and\s+)/i;

/** The tools that a prompt orders at its very beginning: "Use NAME", "Call the tools NAME and NAME". */
function orderedTools(text: string, tools: readonly ToolOffer[]): readonly ToolOffer[] {
  const found: ToolOffer[] = [];
  let joint = ORDER.exec(text);
  for (let rest = text; joint !== null; joint = AND.exec(rest)) {
    rest = rest.slice(joint[0].length).replace(BETWEEN_NAMES, "");
    const tool = tools.find(({ name }) => rest.startsWith(name) && !/^\w/.test(rest.slice(name.length)));
    if (tool === undefined) break;
    found.push(tool);
    rest = rest.slice(tool.name.length);
  }
  return found;
}

function inputFor(tool: ToolOffer, question: Question): string {
  if (tool.kind === "custom") {
    return echo(lastUserText(question));
  }
  const example = exampleOf(tool.schema, tool.isStrict);
  return JSON.stringify(isRecord(example) ? example : {});
}
