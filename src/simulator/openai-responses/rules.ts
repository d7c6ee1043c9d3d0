// OpenAI Responses: the rules that a table of fields cannot say.

import { isReasoningModel, requireOpenaiModel } from "../catalogue.ts";
import { asList, asRecord, asString, isRecord, type JsonRecord } from "../json.ts";
import { openaiRefusal, type Refusal } from "../refusal.ts";
import type { SimRequest } from "../request.ts";
import { checkSeal } from "../seal.ts";
import { type BodyKind, checkBody } from "./body.ts";

export function checkResponses(request: SimRequest, kind: BodyKind): void {
  const { body } = request;
  checkBody(body, kind);
  if (kind !== "count" || typeof body.model === "string") {
    requireOpenaiModel(request.model);
  }
  checkSources(body);
  checkModelRules(body, request.model);
  checkToolRules(body);
  checkItems(request);
}

function refuse(param: string | null, message: string, code: string | null = null): Refusal {
  return openaiRefusal(400, { message, param, code });
}

function isSet(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function checkSources(body: JsonRecord): void {
  if (!["input", "previous_response_id", "conversation", "prompt"].some((name) => isSet(body[name]))) {
    throw refuse(
      null,
      "One of \"input\" or \"previous_response_id\" or 'prompt' or 'conversation' must be provided.",
      "missing_required_parameter",
    );
  }
  if (isSet(body.previous_response_id) && isSet(body.conversation)) {
    throw refuse(
      "previous_response_id",
      "Only one of 'previous_response_id' and 'conversation' can be given.",
      "mutually_exclusive_parameters",
    );
  }
  if (body.background === true && body.store === false) {
    throw refuse("background", "Background mode requires 'store' to be true.");
  }
  const format = asRecord(asRecord(body.text).format);
  if (format.type === "json_object" && !/json/i.test(JSON.stringify([body.input, body.instructions]))) {
    throw refuse(
      "input",
      "Response input messages must contain the word 'json' in some form to use 'text.format' of type 'json_object'.",
    );
  }
}

function checkModelRules(body: JsonRecord, model: string): void {
  if (!isReasoningModel(model)) {
    const { effort } = asRecord(body.reasoning);
    if (isSet(effort) && effort !== "none") {
      throw refuse(
        "reasoning.effort",
        "Unsupported parameter: 'reasoning.effort' is not supported with this model.",
        "unsupported_parameter",
      );
    }
    return;
  }
  for (const param of ["temperature", "top_p"]) {
    if (isSet(body[param]) && body[param] !== 1) {
      throw refuse(
        param,
        `Unsupported parameter: '${param}' is not supported with this model.`,
        "unsupported_parameter",
      );
    }
  }
}

function checkToolRules(body: JsonRecord): void {
  const tools = asList(body.tools).map(asRecord);
  if (body.tool_choice === "required" && tools.length === 0) {
    throw refuse("tool_choice", "Tool choice 'required' must be specified with 'tools' parameter.");
  }
  const choice = asRecord(body.tool_choice);
  const isByName = choice.type === "function" || choice.type === "custom";
  if (isByName && !tools.some((one) => one.name === choice.name)) {
    throw refuse("tool_choice", `Tool choice '${asString(choice.name)}' not found in 'tools' parameter.`);
  }
  for (const [index, one] of tools.entries()) {
    checkStrict(one, `tools[${index}].parameters`);
  }
}

/** A function without `strict: false` is strict here, unlike in Chat Completions. */
function checkStrict(tool: JsonRecord, param: string): void {
  const schema = tool.parameters;
  if (tool.type !== "function" || tool.strict === false || tool.strict === null || !isRecord(schema)) {
    return;
  }
  const properties = Object.keys(asRecord(schema.properties));
  const required = asList(schema.required).map(asString);
  const missing = properties.find((name) => !required.includes(name));
  const reason =
    schema.additionalProperties === false
      ? missing === undefined
        ? undefined
        : `'required' is required to be supplied and to be an array including every key in properties. Missing '${missing}'.`
      : "'additionalProperties' is required to be supplied and to be false.";
  if (tool.strict === true && reason !== undefined) {
    throw refuse(
      param,
      `Invalid schema for function '${asString(tool.name)}': In context=(), ${reason}`,
      "invalid_function_parameters",
    );
  }
}

/** Calls and their outputs come in pairs; reasoning is followed by what it led to, and is sealed by this organisation. */
function checkItems(request: SimRequest): void {
  const { body, organization } = request;
  const items = asList(body.input).map(asRecord);
  const isOpen = isSet(body.previous_response_id) || isSet(body.conversation);
  const idsOf = (type: RegExp) =>
    items.filter((one) => type.test(asString(one.type))).map((one) => asString(one.call_id));
  const called = idsOf(/^(function|custom_tool)_call$/);
  const answered = idsOf(/^(function|custom_tool)_call_output$/);
  const orphan = answered.find((callId) => !called.includes(callId));
  if (orphan !== undefined && !isOpen) {
    throw refuse("input", `No tool call found for function call output with call_id ${orphan}.`);
  }
  const unanswered = called.find((callId) => !answered.includes(callId));
  if (unanswered !== undefined) {
    throw refuse("input", `No tool output found for function call ${unanswered}.`);
  }
  for (const [index, one] of items.entries()) {
    if (one.type === "item_reference" && body.store === false) {
      throw refuse(
        "input",
        `Item with id '${asString(one.id)}' not found. Items are not persisted when \`store\` is set to false. Try again with \`store\` set to true, or remove this item from your input.`,
      );
    }
    const sealed = one.encrypted_content;
    if (typeof sealed === "string" && sealed !== "" && checkSeal(sealed, "openai", organization) !== "good") {
      throw refuse(
        null,
        "The encrypted content could not be verified. Reason: Encrypted content organization_id did not match the target organization.",
        "invalid_encrypted_content",
      );
    }
    const next = asString(items[index + 1]?.type ?? (items[index + 1] === undefined ? "" : "message"));
    if (one.type === "reasoning" && isSet(one.id) && !/^(message|reasoning|.*_call)$/.test(next)) {
      throw refuse(
        "input",
        `Item '${asString(one.id)}' of type 'reasoning' was provided without its required following item.`,
      );
    }
  }
}
