// OpenAI Responses: the rules that a table of fields cannot express.

import { isReasoningModel, requireOpenaiModel } from "../answer/catalogue.ts";
import type { SimRequest } from "../answer/request.ts";
import { checkSeal } from "../answer/seal.ts";
import { isGoodImageUrl } from "../base/base64.ts";
import { asList, asRecord, asString, type JsonRecord } from "../base/json.ts";
import { openaiRefusal, type Refusal } from "../base/refusal.ts";
import { checkFormat, checkParameters } from "../strict/openai-schema.ts";
import { type BodyKind, checkBody } from "./body.ts";

export function checkResponses(request: SimRequest, kind: BodyKind): void {
  const { body } = request;
  checkBody(body, kind);
  if (kind !== "count" || typeof body.model === "string") {
    requireOpenaiModel(request.model);
  }
  checkSources(body);
  checkModelRules(body, request.model);
  checkToolRules(body, request.model);
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

function checkToolRules(body: JsonRecord, model: string): void {
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
    for (const fn of one.type === "namespace" ? asList(one.tools).map(asRecord) : [one]) {
      const where = { model, name: asString(fn.name), param: `tools[${index}].parameters` };
      checkParameters(fn.parameters, fn.strict === true, where);
    }
  }
  checkFormat(asRecord(asRecord(body.text).format), "text.format.schema");
}

/**
 * Each output needs its call and each call its output, in the input or in the stored history. Without the
 * history, the call of an output may be unknown here.
 */
export function checkCalls(items: readonly JsonRecord[], isHistoryKnown: boolean): void {
  const idsOf = (type: RegExp) =>
    items.filter((one) => type.test(asString(one.type))).map((one) => asString(one.call_id));
  const called = new Set(idsOf(/^(function|custom_tool)_call$/));
  const answered = new Set(idsOf(/^(function|custom_tool)_call_output$/));
  const orphan = [...answered].find((callId) => !called.has(callId));
  if (orphan !== undefined && isHistoryKnown) {
    throw refuse("input", `No tool call found for function call output with call_id ${orphan}.`);
  }
  const unanswered = [...called].find((callId) => !answered.has(callId));
  if (unanswered !== undefined) {
    throw refuse("input", `No tool output found for function call ${unanswered}.`);
  }
}

/** Item references exist. Reasoning is sealed by this organisation, and its message or call follows it. */
function checkItems(request: SimRequest): void {
  const { body } = request;
  const items = asList(body.input).map(asRecord);
  const isOpen = isSet(body.previous_response_id) || isSet(body.conversation);
  checkCalls(items, !isOpen);
  for (const [index, one] of items.entries()) {
    checkContent(one, index);
    if (one.type === "item_reference" && body.store === false) {
      throw notPersisted(one);
    }
    if (one.type === "reasoning") {
      checkReasoning(one, items[index + 1], body.store === false);
    }
    checkSealed(one, request);
  }
}

function notPersisted(item: JsonRecord): Refusal {
  return refuse(
    "input",
    `Item with id '${asString(item.id)}' not found. Items are not persisted when \`store\` is set to false. Try again with \`store\` set to true, or remove this item from your input.`,
  );
}

/** The assistant's texts are output parts; all other texts are input parts. */
function checkContent(item: JsonRecord, index: number): void {
  const isAssistant = item.role === "assistant";
  for (const [at, part] of asList(item.content).map(asRecord).entries()) {
    const type = asString(part.type);
    const param = `input[${index}].content[${at}]`;
    const isOutput = type === "output_text" || type === "refusal";
    if (isSet(item.role) && isOutput !== isAssistant) {
      const values = isAssistant
        ? "'output_text' and 'refusal'"
        : "'input_text', 'input_image', 'input_file', and 'input_audio'";
      throw refuse(param, `Invalid value: '${type}'. Supported values are: ${values}.`, "invalid_value");
    }
    checkImage(part, param);
  }
  for (const [at, part] of asList(item.output).map(asRecord).entries()) {
    checkImage(part, `input[${index}].output[${at}]`);
  }
}

function checkImage(part: JsonRecord, param: string): void {
  if (part.type === "input_image" && !isGoodImageUrl(asString(part.image_url))) {
    throw refuse(
      `${param}.image_url`,
      `Invalid '${param}.image_url'. Expected a base64-encoded data URL with an image MIME type (e.g. 'data:image/png;base64,aW1nIGJ5dGVzIGhlcmU='), but got an invalid value.`,
      "invalid_value",
    );
  }
}

function checkReasoning(item: JsonRecord, next: JsonRecord | undefined, isUnstored: boolean): void {
  const isLed = next?.role === "assistant" || /^(reasoning|.*_call)$/.test(asString(next?.type));
  if (isSet(item.id) && !isLed) {
    throw refuse(
      "input",
      `Item '${asString(item.id)}' of type 'reasoning' was provided without its required following item.`,
    );
  }
  if (isSet(item.id) && isUnstored && !isSet(item.encrypted_content)) {
    throw notPersisted(item);
  }
}

function checkSealed(item: JsonRecord, { organization, script }: SimRequest): void {
  const sealed = item.encrypted_content;
  const state =
    typeof sealed === "string" && sealed !== "" ? checkSeal(sealed, "openai", organization) : "good";
  if (state !== "good") {
    const reason =
      state === "other-owner"
        ? "Encrypted content organization_id did not match the target organization."
        : "Encrypted content could not be decrypted or parsed.";
    throw refuse(
      null,
      `The encrypted content ${asString(sealed).slice(0, 4)}...${asString(sealed).slice(-4)} could not be verified. Reason: ${reason}`,
      script.compat("openai-responses")("no-error-code") ? null : "invalid_encrypted_content",
    );
  }
}
