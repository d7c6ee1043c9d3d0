// OpenAI Chat Completions: the deltas of a streamed answer, with the oddities of compatible servers.

import type { SimulatedAnswer } from "../answer/answer.ts";
import type { Citation } from "../answer/citation.ts";
import type { SimRequest } from "../answer/request.ts";
import { pieces } from "../answer/text.ts";
import type { Call } from "../answer/tool.ts";
import { asList, asRecord, type JsonRecord } from "../base/json.ts";
import type { CompatWord } from "../scenarios/words.ts";
import { reasoningDeltas } from "./reasoning.ts";

type IsOdd = (word: CompatWord<"openai-chat">) => boolean;

export interface ToolCall {
  readonly id: string;
  readonly type: "function" | "custom";
  readonly name: string;
  readonly input: string;
}

/** The member that holds the name and the input, or a fragment of the input. */
export function callMember({ type }: ToolCall, name: string | undefined, input: string): JsonRecord {
  const inputName = type === "custom" ? "input" : "arguments";
  return { [type]: { ...(name === undefined ? {} : { name }), [inputName]: input } };
}

/** The calls of an answer, in the form of a compatible server. */
export function toolCalls(answer: SimulatedAnswer, { script, hex, persona, body }: SimRequest): ToolCall[] {
  const isOdd = script.compat("openai-chat");
  const calls = answer.parts.flatMap((part) => (part.kind === "call" ? [part.call] : []));
  const isThinking = answer.parts.some((part) => part.kind === "reasoning");
  const before = asList(body.messages).flatMap((message) => asList(asRecord(message).tool_calls)).length;
  return calls.map((call, at) => ({
    id: isOdd("empty-id")
      ? ""
      : (persona?.callId?.({ hex: hex(16), name: call.tool.name, index: before + at, isThinking }) ??
        `call_${hex(12)}`),
    type: call.tool.kind,
    name: call.tool.name,
    input: isOdd("bad-args")
      ? `${call.input.slice(0, -1)},"broken`
      : isOdd("empty-args")
        ? ""
        : isOdd("null-args")
          ? "null"
          : isOdd("blank-args")
            ? " \n"
            : inputOf(call),
  }));
}

function inputOf({ tool, input }: Call): string {
  return input === "" && tool.kind === "function" ? "{}" : input;
}

/** Annotations with positions in Unicode characters of the message's whole text. */
export function annotations(answer: SimulatedAnswer): JsonRecord[] {
  let before = "";
  return answer.parts.flatMap((part) => {
    if (part.kind !== "text") {
      return [];
    }
    const text = part.deltas.join("");
    const offset = Array.from(before).length;
    before += text;
    return part.citations.flatMap((citation) => annotation(citation, text, offset));
  });
}

function annotation({ source, start, end }: Citation, text: string, offset: number): JsonRecord[] {
  const at = (index: number) => offset + Array.from(text.slice(0, index)).length;
  return source === "document"
    ? []
    : [{ type: "url_citation", url_citation: { start_index: at(start), end_index: at(end), ...source } }];
}

/** Every delta between the role and the finish. */
export function deltasOf(
  answer: SimulatedAnswer,
  calls: readonly ToolCall[],
  request: SimRequest,
): JsonRecord[] {
  const isOdd = request.script.compat("openai-chat");
  if (isOdd("role-only")) {
    return [];
  }
  const fragments = calls.map((call, at) => callDeltas(call, at, isOdd));
  const left = [...fragments];
  const deltas: JsonRecord[] = [];
  for (const part of answer.parts) {
    if (part.kind === "reasoning") {
      deltas.push(...reasoningDeltas(part, answer, request));
    } else if (part.kind === "text") {
      deltas.push(...part.deltas.map((content) => ({ content })));
    } else if (part.kind === "refusal") {
      deltas.push(...part.deltas.map((refusal) => ({ refusal })));
    } else if (part.kind === "call") {
      deltas.push(...(isOdd("interleaved") ? inTurn(left.splice(0)) : (left.shift() ?? [])));
      deltas.push(...(isOdd("text-after-call") ? [{ content: "\n" }] : []));
    }
  }
  const cited = annotations(answer);
  return cited.length === 0 ? deltas : [...deltas, { annotations: cited }];
}

function callDeltas(call: ToolCall, at: number, isOdd: IsOdd): JsonRecord[] {
  const named = { id: call.id, type: call.type };
  const index = isOdd("no-index") ? {} : { index: isOdd("index-from-1") ? at + 1 : at };
  const always = isOdd("repeated-id") ? named : {};
  const fragment = (more: JsonRecord) => ({ tool_calls: [{ ...index, ...always, ...more }] });
  if (isOdd("whole-calls")) {
    return [fragment({ ...named, ...callMember(call, call.name, call.input) })];
  }
  const [first = "", ...rest] = pieces(call.input);
  const later = rest.map((piece) =>
    fragment(callMember(call, isOdd("repeated-id") ? call.name : undefined, piece)),
  );
  return isOdd("late-name")
    ? [
        fragment({ ...named, ...callMember(call, undefined, "") }),
        fragment(callMember(call, call.name, first)),
        ...later,
      ]
    : [
        fragment({ ...named, ...callMember(call, call.name, "") }),
        ...(first === ""
          ? []
          : [fragment(callMember(call, isOdd("repeated-id") ? call.name : undefined, first))]),
        ...later,
      ];
}

function inTurn(lists: readonly (readonly JsonRecord[])[]): JsonRecord[] {
  const longest = Math.max(0, ...lists.map((list) => list.length));
  return Array.from({ length: longest }, (_, index) =>
    lists.flatMap((list) => (list[index] === undefined ? [] : [list[index]])),
  ).flat();
}
