// Gemini generateContent: the rules of a conversation - parts, order of calls and results, thought
// signatures.

import { checkSeal } from "../answer/seal.ts";
import { isAnyBase64 } from "../base/base64.ts";
import { asList, asRecord, asString, type JsonRecord } from "../base/json.ts";
import { refuse } from "./body.ts";

/** `major` is the model's generation. From generation 3 on, calls need their signatures. */
export function checkTurns(contents: readonly JsonRecord[], major: number): void {
  checkParts(contents);
  checkData(contents, major);
  checkOrder(contents.filter((one) => !isEndOfStream(one)));
  if (major >= 3) {
    checkSignatures(contents);
  }
}

const DATA_FIELDS = [
  "text",
  "inlineData",
  "fileData",
  "functionCall",
  "functionResponse",
  "executableCode",
  "codeExecutionResult",
  "toolCall",
  "toolResponse",
  "audioTranscription",
];

function checkParts(contents: readonly JsonRecord[]): void {
  for (const [index, one] of contents.entries()) {
    if (one.role !== undefined && !["user", "model", "function"].includes(asString(one.role))) {
      throw refuse("Please use a valid role: user, model.");
    }
    const parts = asList(one.parts).map(asRecord);
    if (parts.length === 0) {
      throw refuse(`* GenerateContentRequest.contents[${index}].parts: contents.parts must not be empty.\n`);
    }
    for (const [at, onePart] of parts.entries()) {
      const place = `contents[${index}].parts[${at}]`;
      const data = DATA_FIELDS.filter((name) => onePart[name] !== undefined);
      const mayBeEmpty = onePart.thoughtSignature !== undefined || isEndOfStream(one, at);
      if (data.length === 0 || (onePart.text === "" && !mayBeEmpty)) {
        throw refuse(
          `* GenerateContentRequest.${place}.data: required oneof field 'data' must have one initialized field\n`,
        );
      }
      if (data.length > 1) {
        throw refuse(
          `Invalid value at '${place}' (oneof), oneof field 'data' is already set. Cannot set '${data[1]}'`,
        );
      }
    }
  }
}

/**
 * A stream ends with an empty text. The SDK's automatic function calling sends each chunk back as a turn, and ADK sends the
 * calls and that text back as one turn: the part at `at` is such a text.
 */
function isEndOfStream(content: JsonRecord, at = 0): boolean {
  const parts = asList(content.parts).map(asRecord);
  const isLast = content.role === "model" && at === parts.length - 1 && parts[at]?.text === "";
  return isLast && (at === 0 || callsIn(content, "functionCall").length > 0);
}

const IMAGES = ["image/png", "image/jpeg", "image/webp", "image/heic", "image/heif"];

/** Inline data of the request, also within function responses. */
function checkData(contents: readonly JsonRecord[], major: number): void {
  for (const [index, one] of contents.entries()) {
    for (const [at, onePart] of asList(one.parts).map(asRecord).entries()) {
      const place = `contents[${index}].parts[${at}]`;
      const inner = asList(asRecord(onePart.functionResponse).parts).map(asRecord);
      if (inner.length > 0 && major < 3) {
        throw refuse("Multimodal function responses are not supported by this model.");
      }
      for (const { mimeType, data } of [onePart, ...inner].map((holder) => asRecord(holder.inlineData))) {
        if (typeof data === "string" && !isAnyBase64(data)) {
          throw refuse(
            `Invalid value at '${place}.inline_data.data' (TYPE_BYTES), Base64 decoding failed for "${data.slice(0, 40)}"`,
          );
        }
        const mime = asString(mimeType);
        if (mime.startsWith("image/") && !IMAGES.includes(mime)) {
          throw refuse(`Unsupported MIME type: ${mime}`);
        }
      }
    }
  }
}

function callsIn(content: JsonRecord | undefined, field: "functionCall" | "functionResponse"): JsonRecord[] {
  return asList(content?.parts)
    .map(asRecord)
    .filter((one) => one[field] !== undefined)
    .map((one) => asRecord(one[field]));
}

/** Calls follow a user turn or function responses, and the next turn answers all of them. */
function checkOrder(contents: readonly JsonRecord[]): void {
  if (contents[0]?.role === "model") {
    throw refuse("Please ensure that the conversation starts with a user turn.");
  }
  for (const [index, one] of contents.entries()) {
    const calls = one.role === "model" ? callsIn(one, "functionCall") : [];
    const results = callsIn(one, "functionResponse");
    const before = contents[index - 1];
    if (calls.length > 0 && before?.role === "model") {
      throw refuse(
        "Please ensure that function call turn comes immediately after a user turn or after a function response turn.",
      );
    }
    const asked = before?.role === "model" ? callsIn(before, "functionCall") : [];
    if (results.length > 0 && asked.length === 0) {
      throw refuse("Please ensure that function response turn comes immediately after a function call turn.");
    }
    if (asked.length > 0 && results.length !== asked.length) {
      throw refuse(
        "Please ensure that the number of function response parts is equal to the number of function call parts of the function call turn.",
      );
    }
    checkIds(asked, results);
  }
}

function checkIds(asked: readonly JsonRecord[], results: readonly JsonRecord[]): void {
  for (const result of results) {
    const isAsked = asked.some(
      (call) =>
        call.name === result.name &&
        (result.id === undefined || call.id === undefined || call.id === result.id),
    );
    if (!isAsked) {
      throw refuse(
        `Function response for "${asString(result.name)}" does not match a function call of the previous turn.`,
      );
    }
  }
}

const DUMMY_SIGNATURES = ["skip_thought_signature_validator", "context_engineering_is_the_way_to_go"];

/** Since the last user turn without function responses, the first call of each step carries its original signature. */
function checkSignatures(contents: readonly JsonRecord[]): void {
  const start = contents.findLastIndex(
    (one) => one.role !== "model" && callsIn(one, "functionResponse").length === 0,
  );
  for (const [index, one] of contents.entries()) {
    const parts = asList(one.parts).map(asRecord);
    for (const [at, onePart] of parts.entries()) {
      const signature = onePart.thoughtSignature;
      if (typeof signature === "string" && !isGoodSignature(signature)) {
        throw refuse("Corrupted thought signature.");
      }
      const isFirstCall = parts.findIndex((other) => other.functionCall !== undefined) === at;
      if (index > start && one.role === "model" && isFirstCall && signature === undefined) {
        const name = asString(asRecord(onePart.functionCall).name);
        throw refuse(
          `Function call is missing a thought_signature in functionCall parts. This is required for tools to work correctly, and missing thought_signature may lead to degraded model performance. Additional data, function call \`default_api:${name}\` , position ${index + 1}. Please refer to https://ai.google.dev/gemini-api/docs/thought-signatures for more details.`,
        );
      }
    }
  }
}

function isGoodSignature(signature: string): boolean {
  const plain = Buffer.from(signature, "base64").toString();
  return (
    DUMMY_SIGNATURES.includes(signature) ||
    DUMMY_SIGNATURES.includes(plain) ||
    checkSeal(signature, "gemini", "") === "good"
  );
}
