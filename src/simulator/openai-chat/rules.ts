// OpenAI Chat Completions: the rules that a table of fields cannot express.

import {
  isOfficialModel,
  isReasoningModel,
  needsResponsesForTools,
  requireOpenaiModel,
} from "../answer/catalogue.ts";
import type { SimRequest } from "../answer/request.ts";
import { isGoodImageUrl } from "../base/base64.ts";
import { asList, asRecord, asString, type JsonRecord } from "../base/json.ts";
import { openaiRefusal, Refusal } from "../base/refusal.ts";
import { checkFormat, checkParameters } from "../strict/openai-schema.ts";
import { checkBody } from "./body.ts";

export function checkChat(request: SimRequest): void {
  const { body, model } = request;
  const isOfficial = isOfficialModel(model);
  checkBody(body, isOfficial);
  requireOpenaiModel(model);
  checkServerRules(request);
  checkModelRules(body, model);
  checkSchemas(body, model);
  checkConversation(body);
}

/** The rules that servers of Chat share, whatever their models. */
export function checkConversation(body: JsonRecord): void {
  checkToolRules(body);
  checkStreamRules(body);
  checkImages(body);
  checkToolMessages(asList(body.messages).map(asRecord));
}

function refuse(param: string, message: string, code: string | null = null): Refusal {
  return openaiRefusal(400, { message, param, code });
}

/** Refusals of compatible servers, each in its server's words. */
function checkServerRules({ body, script }: SimRequest): void {
  const isOdd = script.compat("openai-chat");
  const messages = asList(body.messages).map(asRecord);
  if (isOdd("no-stream-options") && body.stream_options !== undefined) {
    throw refuse("stream_options", "Unrecognized request argument supplied: stream_options");
  }
  const developer = messages.findIndex((one) => one.role === "developer");
  if (isOdd("no-developer") && developer >= 0) {
    throw refuse(
      `messages.${developer}.role`,
      `'developer' is not one of ['system', 'assistant', 'user', 'tool', 'function'] - 'messages.${developer}.role'`,
    );
  }
  const late = messages.findIndex(
    (one, index) => index > 0 && /^(system|developer)$/.test(asString(one.role)),
  );
  if (isOdd("system-first") && late > 0) {
    throw new Refusal(400, {
      object: "error",
      message: "System message must be at the beginning.",
      type: "BadRequestError",
      param: null,
      code: 400,
    });
  }
  if (isOdd("system-first-mistral") && late > 0) {
    throw new Refusal(400, {
      object: "error",
      message: `Unexpected role 'system' after role '${asString(messages[late - 1]?.role)}'`,
      type: "invalid_request_message_order",
      param: null,
      code: "3230",
    });
  }
  const isBare = (one: JsonRecord) => asList(one.tool_calls).length > 0 && !isSet(one.reasoning_content);
  if (isOdd("needs-reasoning") && messages.some(isBare)) {
    throw refuse("messages", "The `reasoning_content` in the thinking mode must be passed back to the API.");
  }
}

function isSet(value: unknown): boolean {
  return value !== undefined && value !== null;
}

/** Reasoning models refuse `max_tokens` and `stop`, and sampling parameters other than the default. */
function checkModelRules(body: JsonRecord, model: string): void {
  if (!isReasoningModel(model)) {
    if (isSet(body.reasoning_effort) && isOfficialModel(model)) {
      throw refuse("reasoning_effort", "Unrecognized request argument supplied: reasoning_effort");
    }
    return;
  }
  if (isSet(body.max_tokens)) {
    throw refuse(
      "max_tokens",
      "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
      "unsupported_parameter",
    );
  }
  for (const param of ["temperature", "top_p"]) {
    if (isSet(body[param]) && body[param] !== 1) {
      throw refuse(
        param,
        `Unsupported value: '${param}' does not support ${String(body[param])} with this model. Only the default (1) value is supported.`,
        "unsupported_value",
      );
    }
  }
  for (const param of ["stop", "logit_bias", "logprobs"]) {
    if (isSet(body[param]) && body[param] !== false) {
      throw refuse(
        param,
        `Unsupported parameter: '${param}' is not supported with this model.`,
        "unsupported_parameter",
      );
    }
  }
  for (const param of ["presence_penalty", "frequency_penalty"]) {
    if (isSet(body[param]) && body[param] !== 0) {
      throw refuse(
        param,
        `Unsupported parameter: '${param}' is not supported with this model.`,
        "unsupported_parameter",
      );
    }
  }
  const isThinking = isSet(body.reasoning_effort) && body.reasoning_effort !== "none";
  if (needsResponsesForTools(model) && isThinking && asList(body.tools).length > 0) {
    throw refuse(
      "reasoning_effort",
      `Function tools with reasoning_effort are not supported for ${model} in /v1/chat/completions. Please use /v1/responses instead.`,
    );
  }
}

function checkToolRules(body: JsonRecord): void {
  const hasTools = asList(body.tools).length > 0;
  if (isSet(body.tool_choice) && !hasTools) {
    throw refuse(
      "tool_choice",
      "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified.",
    );
  }
  if (Array.isArray(body.tools) && !hasTools) {
    throw refuse("tools", "[] is too short - 'tools'", "empty_array");
  }
  if (body.parallel_tool_calls !== undefined && !hasTools) {
    throw refuse(
      "parallel_tool_calls",
      "Invalid value for 'parallel_tool_calls': 'parallel_tool_calls' is only allowed when 'tools' are specified.",
    );
  }
  const choice = asRecord(body.tool_choice);
  const wanted = asString(asRecord(choice.function ?? choice.custom).name);
  const names = asList(body.tools).map((one) =>
    asString(asRecord(asRecord(one).function ?? asRecord(one).custom).name),
  );
  if (wanted !== "" && !names.includes(wanted)) {
    throw refuse(
      "tool_choice",
      `Invalid value for 'tool_choice': no function named '${wanted}' was specified in the 'tools' parameter.`,
    );
  }
}

function checkSchemas(body: JsonRecord, model: string): void {
  for (const [index, tool] of asList(body.tools).map(asRecord).entries()) {
    const { name, parameters, strict } = asRecord(tool.function);
    const param = `tools[${index}].function.parameters`;
    checkParameters(parameters, strict === true, { model, name: asString(name), param });
  }
  checkFormat(asRecord(asRecord(body.response_format).json_schema), "response_format");
}

function checkStreamRules(body: JsonRecord): void {
  if (isSet(body.stream_options) && body.stream !== true) {
    throw refuse(
      "stream_options",
      "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
    );
  }
  if (isSet(body.top_logprobs) && body.logprobs !== true) {
    throw refuse("top_logprobs", "'top_logprobs' is only allowed when 'logprobs' is enabled.");
  }
  if (isSet(body.max_tokens) && isSet(body.max_completion_tokens)) {
    throw refuse(
      "max_tokens",
      "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.",
      "invalid_parameter_combination",
    );
  }
  const isJson = asRecord(body.response_format).type === "json_object";
  if (isJson && !/json/i.test(JSON.stringify(body.messages))) {
    throw refuse(
      "messages",
      "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.",
    );
  }
}

function checkImages(body: JsonRecord): void {
  for (const [index, one] of asList(body.messages).map(asRecord).entries()) {
    for (const [at, part] of asList(one.content).map(asRecord).entries()) {
      const url = asString(asRecord(part.image_url).url);
      if (part.type === "image_url" && !isGoodImageUrl(url)) {
        throw refuse(
          `messages[${index}].content[${at}].image_url.url`,
          `Invalid 'messages[${index}].content[${at}].image_url.url'. Expected a base64-encoded data URL with an image MIME type (e.g. 'data:image/png;base64,aW1nIGJ5dGVzIGhlcmU='), but got an invalid value.`,
          "invalid_value",
        );
      }
    }
  }
}

/** The messages after a message with calls answer every call; a tool message needs its call. */
function checkToolMessages(messages: readonly JsonRecord[]): void {
  let open: string[] = [];
  let askedAt = -1;
  for (const [index, one] of messages.entries()) {
    if (one.role === "tool") {
      const id = asString(one.tool_call_id);
      if (askedAt < 0) {
        throw refuse(
          `messages.[${index}].role`,
          "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.",
        );
      }
      if (!open.includes(id)) {
        throw refuse(
          `messages.[${index}].tool_call_id`,
          `Invalid parameter: 'tool_call_id' of '${id}' not found in 'tool_calls' of previous message.`,
        );
      }
      open = open.filter((other) => other !== id);
      continue;
    }
    failOpenCalls(open, index);
    const calls = one.role === "assistant" ? asList(one.tool_calls).map(asRecord) : [];
    open = calls.map((call) => asString(call.id));
    askedAt = calls.length > 0 ? index : -1;
    const isEmpty = !isSet(one.content) && calls.length === 0;
    if (
      one.role === "assistant" &&
      isEmpty &&
      !isSet(one.function_call) &&
      !isSet(one.refusal) &&
      !isSet(one.audio)
    ) {
      throw refuse(
        `messages.[${index}].content`,
        `Invalid value for 'content': expected a string, got null.`,
      );
    }
  }
  failOpenCalls(open, messages.length);
}

function failOpenCalls(open: readonly string[], index: number): void {
  if (open.length > 0) {
    throw refuse(
      `messages.[${index}].role`,
      `An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: ${open.join(", ")}`,
    );
  }
}
