// What Vertex AI demands of a request beside the rules of the model's maker.

import { asList, asRecord, asString, isRecord, type JsonRecord } from "../base/json.ts";
import { anthropicRefusal, geminiRefusal } from "../base/refusal.ts";
import { publisherModel } from "../scenarios/vertex.ts";
import type { VertexPlace } from "./place.ts";

const VERSIONS = ["vertex-2023-10-16", "2026-10-21"];
/** The version of Anthropic's own API whose rules hold. */
const RULES_OF: Readonly<Record<string, string>> = { "2026-10-21": "2026-10-21" };
const USUAL_RULES = "2023-06-01";

/** A request as the maker of its model would get it, from the request to Vertex AI. */
export interface MakersRequest {
  readonly body: JsonRecord;
  readonly model: string;
  /** In place of the header `anthropic-version`; undefined: the model is Google's. */
  readonly version: string | undefined;
}

/** A request that did not come to Vertex AI is the maker's already. */
interface Arrived {
  readonly method: string;
  readonly place?: VertexPlace;
}

/** Throws Vertex AI's refusal if the request breaks a rule. `model`: without its fault suffix. */
export function makersRequest(
  { method, place }: Arrived,
  body: JsonRecord,
  model: string,
  header: (name: string) => string | undefined,
): MakersRequest {
  if (place === undefined) {
    return { body, model, version: undefined };
  }
  if (method === "messages" || method === "count-messages") {
    checkBetas(header("anthropic-beta") ?? "");
    return claudeRequest(method, place, body, model);
  }
  if (method === "generate" || method === "count-contents") {
    requireModel(/^gemini-[\w.-]+$/, model, place);
    checkContents(body);
  }
  return { body, model, version: undefined };
}

function claudeRequest(method: string, place: VertexPlace, body: JsonRecord, model: string): MakersRequest {
  const { anthropic_version: version, ...rest } = body;
  if (version === undefined) {
    throw refuse("anthropic_version: Field required");
  }
  if (!VERSIONS.includes(asString(version))) {
    throw refuse(`anthropic_version: "${asString(version)}" is not a valid version.`);
  }
  if (method === "messages" && "model" in body) {
    throw refuse("model: Extra inputs are not permitted");
  }
  if (method === "count-messages" && !("model" in body)) {
    throw refuse("model: Field required");
  }
  requireModel(/^claude-[\w.-]*[a-z\d](?:@\d{8})?$/, model, place);
  checkSources(body);
  const plain = model.replace(/@(\d{8})$/, "-$1");
  return {
    body: { ...rest, model: plain },
    model: plain,
    version: RULES_OF[asString(version)] ?? USUAL_RULES,
  };
}

/** A date behind a dash is a name of Anthropic's own API. */
function requireModel(form: RegExp, model: string, { project, location }: VertexPlace): void {
  const isDashed = /^claude-.*-\d{8}$/.test(model);
  if (!form.test(model) || isDashed || /no-such|unknown/.test(model)) {
    throw geminiRefusal(
      404,
      "NOT_FOUND",
      `Publisher Model \`${publisherModel(model, project, location)}\` was not found or your project does not have access to it. Please ensure you are using a valid model version. For more information, see: https://cloud.google.com/vertex-ai/generative-ai/docs/learn/model-versions`,
    );
  }
}

/** Betas of what only Anthropic's own API has. */
const FOREIGN_BETA = /^(?:files-api|skills|code-execution|mcp-client)-/;

function checkBetas(betas: string): void {
  const foreign = betas
    .split(",")
    .map((beta) => beta.trim())
    .filter((beta) => FOREIGN_BETA.test(beta));
  if (foreign.length > 0) {
    throw refuse(
      `Unexpected value(s) \`${foreign.join("`, `")}\` for the \`anthropic-beta\` header. Please consult our documentation at docs.anthropic.com or try again without the header.`,
    );
  }
}

/** Claude on Vertex AI fetches nothing. */
function checkSources(body: JsonRecord): void {
  for (const [turn, message] of asList(body.messages).entries()) {
    for (const [index, block] of asList(asRecord(message).content).entries()) {
      const { type } = asRecord(asRecord(block).source);
      if (type === "url" || type === "file") {
        throw refuse(`messages.${turn}.content.${index}.source.type: ${type} sources are not supported`);
      }
    }
  }
}

const STUDIO_ONLY = ["store", "enableEnhancedCivicAnswers", "enable_enhanced_civic_answers"];

function checkContents(body: JsonRecord): void {
  const foreign = STUDIO_ONLY.find((name) => name in body);
  if (foreign !== undefined) {
    throw geminiRefusal(
      400,
      "INVALID_ARGUMENT",
      `Invalid JSON payload received. Unknown name "${foreign}": Cannot find field.`,
    );
  }
  const contents = asList(body.contents);
  if (contents.some((content) => isRecord(content) && !["user", "model"].includes(asString(content.role)))) {
    throw geminiRefusal(400, "INVALID_ARGUMENT", "Please use a valid role: user, model.");
  }
}

function refuse(message: string) {
  return anthropicRefusal("invalid_request_error", message);
}
