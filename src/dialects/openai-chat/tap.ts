/** Reads the state of an answer from Chat Completions replies. */
import type { GatewayError } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import { asArray, asObject, asString } from "../../wire/json.ts";
import { compileShape } from "../../wire/json-shape.ts";
import type { FailurePlace } from "../dialect.ts";
import { presentError, STATED_ERROR_MEMBERS, statedError } from "../shared/error-body.ts";
import { type AnswerReader, AnswerReading } from "../shared/tap/answer-reader.ts";
import { ContentSearch } from "../shared/tap/content-bytes.ts";
import { keyNeedle, NeedleSearch, textNeedle } from "../shared/tap/needle.ts";
import { errorOf } from "./error-decode.ts";
import { renderStreamError } from "./error-encode.ts";
import { decodeFinish, failureIn, finishReasonIn } from "./stop.ts";
import { laterUsage, usageIn } from "./usage.ts";

/** Members that may hold the usage; see `usageIn`. */
const USAGE_MEMBERS = { usage: true, x_groq: { usage: true } } as const;

const BODY = compileShape({
  model: true,
  ...USAGE_MEMBERS,
  service_tier: true,
  ...STATED_ERROR_MEMBERS,
  choices: { "*": { finish_reason: true, usage: true, error: true } },
});
const FRAME = compileShape({
  model: true,
  ...USAGE_MEMBERS,
  service_tier: true,
  ...STATED_ERROR_MEMBERS,
  choices: { "*": { finish_reason: true, delta: true, usage: true, error: true } },
});
const SEARCH = new NeedleSearch([
  keyNeedle("finish_reason"),
  keyNeedle("usage"),
  keyNeedle("error"),
  textNeedle("[DONE]"),
]);

const CONTENT = new ContentSearch("delta");

export class ChatReader implements AnswerReader {
  readonly answer = new AnswerReading();
  readonly search = SEARCH;
  readonly content = CONTENT;
  readonly frameShape = FRAME;
  readonly bodyShape = BODY;
  readonly #removeUsageChunk: boolean;

  constructor(removeUsageChunk: boolean) {
    this.#removeUsageChunk = removeUsageChunk;
  }

  readFrame(event: string, data: unknown): boolean {
    const chunk = asObject(data);
    if (chunk === null) return false;
    const choices = asArray(chunk.choices);
    const error = event === "error" ? (presentError(chunk.error) ?? chunk) : failureOf(chunk, choices);
    if (error !== null) {
      this.#readCommon(chunk);
      this.answer.fail(error);
      return false;
    }
    const hasUsage = this.#readCommon(chunk);
    const finishReason = finishReasonOf(choices);
    const hasContent = choices.some((choice) => isContent(asObject(choice)?.delta));
    if (hasContent) this.answer.hasContent = true;
    if (hasContent) this.answer.isRefusal = false;
    if (finishReason !== null) {
      this.answer.stopReason = finishReason;
      this.answer.isRefusal = isRefusal(finishReason) && !this.answer.hasContent;
      this.answer.finish();
    } else if (hasContent) {
      // Of several choices (`n`), the first to finish does not end the answer.
      this.answer.reopen();
    }
    return this.#removeUsageChunk && hasUsage && Array.isArray(chunk.choices) && choices.length === 0;
  }

  readDone(): void {
    this.answer.complete();
  }

  readBody(body: unknown): void {
    const completion = asObject(body);
    if (completion === null) return;
    const choices = asArray(completion.choices);
    const hasUsage = this.#readCommon(completion);
    const failure =
      failureOf(completion, choices) ?? (choices.length === 0 ? noChoice(completion, hasUsage) : null);
    if (failure !== null) {
      this.answer.fail(failure);
      return;
    }
    this.answer.stopReason = finishReasonOf(choices);
    this.answer.isRefusal =
      isRefusal(this.answer.stopReason) &&
      choices.every((choice) => !isContent(asObject(choice)?.message ?? true));
  }

  contentOf(body: JsonObject): unknown {
    return body.choices;
  }

  renderFailure(error: GatewayError, requestId: string, place: FailurePlace): string {
    return renderStreamError(error, requestId, place);
  }

  /** Returns whether the object holds usage. */
  #readCommon(object: JsonObject): boolean {
    this.answer.model ??= asString(object.model);
    const usage = usageIn(object, asObject(asArray(object.choices)[0]));
    if (usage === null) return false;
    this.answer.usage = laterUsage(this.answer.usage, usage, object.service_tier);
    return true;
  }
}

/** The failure of a completion that holds no choice and counted no tokens; null: it is none, or an answer. */
function noChoice(completion: JsonObject, hasUsage: boolean): JsonObject | null {
  if (completion.choices === undefined || hasUsage) return null;
  return { code: "no_choices", message: "the upstream's reply holds no choice" };
}

/** The failure that a chunk or a completion states, for itself or for a choice; null: none. */
function failureOf(object: JsonObject, choices: readonly unknown[]): unknown {
  if (choices.length === 0) return statedError(object);
  const error = errorOf(object);
  if (error !== null) return error;
  for (const entry of choices) {
    const choice = asObject(entry);
    const own = choice === null ? null : (presentError(choice.error) ?? failureIn(finishReasonIn(choice)));
    if (own !== null) return own;
  }
  return null;
}

function finishReasonOf(choices: readonly unknown[]): string | null {
  for (const choice of choices) {
    const reason = finishReasonIn(asObject(choice) ?? {});
    if (reason !== null) return reason;
  }
  return null;
}

function isRefusal(finishReason: string | null): boolean {
  return decodeFinish(finishReason) === "refusal";
}

/** Whether a delta or message holds a part of the answer: a role and empty values are none. */
function isContent(delta: unknown): boolean {
  if (delta === true) return true;
  for (const [key, value] of Object.entries(asObject(delta) ?? {})) {
    if (key === "role" || value === null || value === "") continue;
    if (Array.isArray(value) && value.length === 0) continue;
    return true;
  }
  return false;
}
