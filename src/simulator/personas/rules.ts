// Rules that several servers have, each with the server's own words.

import { asList, asRecord, asString, type JsonRecord } from "../base/json.ts";
import { Refusal } from "../base/refusal.ts";
import type { Asked, Rule, Sizes } from "./persona.ts";

/** An error in OpenAI's envelope, of which servers fill in what they like. */
export function plainError(
  status: number,
  message: string,
  more: { type?: string; code?: string | number | null; param?: string | null } = {},
): Refusal {
  const { type = "invalid_request_error", code = null, param = null } = more;
  return new Refusal(status, { error: { message, type, param, code } });
}

export function isSet(value: unknown): boolean {
  return value !== undefined && value !== null;
}

export function hasCalls(message: JsonRecord): boolean {
  return message.role === "assistant" && asList(message.tool_calls).length > 0;
}

/** A choice that forces a call: of any tool, or of one. */
export function forcedTools(refuse: (choice: "required" | "specified") => Refusal): Rule {
  return ({ body, isThinking }) => {
    const { tool_choice: choice } = body;
    if (!isThinking) {
      return undefined;
    }
    if (choice === "required") {
      return refuse("required");
    }
    const { type } = asRecord(choice);
    return type === "function" || type === "custom" ? refuse("specified") : undefined;
  };
}

/**
 * While the model thinks, messages of the assistant hold their reasoning: those with calls, or all of a conversation
 * that has calls.
 */
export function returnedReasoning(rule: {
  readonly member: string;
  readonly of: "calls" | "conversations";
  readonly isGood: (value: unknown) => boolean;
  readonly refuse: (index: number) => Refusal;
}): Rule {
  return ({ messages, isThinking }) => {
    if (!isThinking || !messages.some(hasCalls)) {
      return undefined;
    }
    const index = messages.findIndex((message) => {
      const isWanted = rule.of === "calls" ? hasCalls(message) : message.role === "assistant";
      return isWanted && !rule.isGood(message[rule.member]);
    });
    return index < 0 ? undefined : rule.refuse(index);
  };
}

/** The ids of calls, and those that results name. */
export function idsOf(messages: readonly JsonRecord[]): string[] {
  return messages.flatMap((message) => {
    const calls = asList(message.tool_calls).map((call) => asString(asRecord(call).id));
    return message.role === "tool" ? [...calls, asString(message.tool_call_id)] : calls;
  });
}

/** Each role is one of these. */
export function rolesOf(known: readonly string[], refuse: (index: number, role: string) => Refusal): Rule {
  return ({ messages }) => {
    const index = messages.findIndex(({ role }) => !known.includes(asString(role)));
    return index < 0 ? undefined : refuse(index, asString(messages[index]?.role));
  };
}

/** No schema for the answer. */
export function noSchemas(refuse: () => Refusal): Rule {
  return ({ body }) => (asRecord(body.response_format).type === "json_schema" ? refuse() : undefined);
}

/** A member that only some models take. */
export function memberOf(
  member: string,
  isTaken: (asked: Asked) => boolean,
  refuse: (asked: Asked) => Refusal,
): Rule {
  return (asked) => (isSet(asked.body[member]) && !isTaken(asked) ? refuse(asked) : undefined);
}

/** vLLM's words to 0.10, which OpenAI and DeepSeek share. */
export function contextInWords(type: string, code: string | number | null = null) {
  return ({ contextTokens, promptTokens, askedTokens }: Sizes): Refusal => {
    const limit = `This model's maximum context length is ${contextTokens} tokens.`;
    const message =
      askedTokens === undefined || promptTokens >= contextTokens
        ? `${limit} However, your messages resulted in ${promptTokens} tokens. Please reduce the length of the messages.`
        : `${limit} However, you requested ${promptTokens + askedTokens} tokens (${promptTokens} in the messages, ${askedTokens} in the completion). Please reduce the length of the messages or completion.`;
    return plainError(400, message, { type, code });
  };
}

/** `thinking: {type}`, where the model thinks unless it is told not to. */
export function unlessDisabled(models: RegExp): (body: JsonRecord, model: string) => boolean {
  return ({ thinking }, model) => models.test(model) && asRecord(thinking).type !== "disabled";
}

/** A switch in the arguments of the chat template, where the model thinks unless it is told not to. */
export function unlessSwitchedOff(models: RegExp): (body: JsonRecord, model: string) => boolean {
  return ({ chat_template_kwargs: kwargs }, model) => {
    const { enable_thinking: first, thinking: second } = asRecord(kwargs);
    return models.test(model) && first !== false && second !== false;
  };
}
