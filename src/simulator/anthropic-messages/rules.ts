// Anthropic Messages: the rules that a table of fields cannot express. Each function checks one rule.

import { type ClaudeTraits, claudeTraits, requireAnthropicModel } from "../answer/catalogue.ts";
import type { SimRequest } from "../answer/request.ts";
import { asList, asNumber, asRecord, asString, isRecord, type JsonRecord } from "../base/json.ts";
import { anthropicRefusal, Refusal } from "../base/refusal.ts";
import { checkBody, refuse } from "./body.ts";
import { checkStrictSchema } from "./schema.ts";
import { checkTurns } from "./turns.ts";

const VERSIONS = ["2023-06-01", "2026-10-21"];
const MAX_CACHE_MARKS = 4;

export function checkMessages(request: SimRequest, isCount: boolean): void {
  const { body, model } = request;
  const version = checkHeaders(request);
  const betas = betasOf(request);
  checkBody(body, isCount, version === "2023-06-01", betas);
  requireAnthropicModel(model);
  const traits = claudeTraits(model);
  checkThread(body);
  checkSampling(body, traits);
  checkThinking(body, model, traits);
  checkLimits(body, model, traits);
  checkTools(body);
  checkOutput(body, traits);
  checkCacheMarks(body);
  checkSystem(body);
  checkTurns(asList(body.messages).map(asRecord), {
    traits,
    thinking: asRecord(body.thinking),
    version,
    betas,
  });
}

function checkHeaders(request: SimRequest): string {
  const version = request.header("anthropic-version");
  if (version === undefined) {
    throw refuse("anthropic-version: header is required");
  }
  if (!VERSIONS.includes(version)) {
    throw refuse(`anthropic-version: "${version}" is not a valid version.`);
  }
  const isBrowserAllowed = request.header("anthropic-dangerous-direct-browser-access") === "true";
  if (request.header("origin") !== undefined && !isBrowserAllowed) {
    throw anthropicRefusal(
      "authentication_error",
      "CORS requests must set 'anthropic-dangerous-direct-browser-access' header.",
    );
  }
  return version;
}

function betasOf(request: SimRequest): string[] {
  const betas = (request.header("anthropic-beta") ?? "").split(",").map((name) => name.trim());
  const named = betas.filter((name) => name !== "");
  const odd = named.find((name) => !/^[a-z0-9-]+-\d{4}-?\d{2}-?\d{2}$/.test(name));
  if (odd !== undefined) {
    throw refuse(`Unexpected value(s) \`${odd}\` for the \`anthropic-beta\` header.`);
  }
  return named;
}

/** The simulator has no threads. With these details the SDK retries without a thread. */
function checkThread(body: JsonRecord): void {
  if (body.thread !== undefined) {
    const details = { error_code: "thread_unsupported_request", unsupported: ["thread"] };
    const error = {
      type: "invalid_request_error",
      message: "thread: not supported for this request",
      details,
    };
    throw new Refusal(400, { type: "error", error });
  }
}

/** Newer models accept only the default values of the sampling parameters. */
function checkSampling(body: JsonRecord, traits: ClaudeTraits): void {
  const { temperature, top_p, top_k } = body;
  const [warmth, share] = [asNumber(temperature), asNumber(top_p)];
  if (!traits.takesSampling) {
    const broken =
      warmth !== undefined && warmth !== 1
        ? "temperature"
        : share !== undefined && share < 0.99
          ? "top_p"
          : top_k === undefined
            ? undefined
            : "top_k";
    if (broken !== undefined) {
      throw refuse(`\`${broken}\` is deprecated for this model.`);
    }
    return;
  }
  if (warmth !== undefined && share !== undefined) {
    throw refuse("`temperature` and `top_p` cannot both be specified for this model. Please use only one.");
  }
  const isThinking = ["enabled", "adaptive"].includes(asString(asRecord(body.thinking).type));
  if (isThinking && warmth !== undefined && warmth !== 1) {
    throw refuse("`temperature` may only be set to 1 when thinking is enabled.");
  }
  if (isThinking && top_k !== undefined) {
    throw refuse("`top_k` must be unset when thinking is enabled.");
  }
}

function checkThinking(body: JsonRecord, model: string, traits: ClaudeTraits): void {
  const thinking = asRecord(body.thinking);
  const type = asString(thinking.type);
  const effort = asString(asRecord(body.output_config).effort);
  if (type === "") {
    return;
  }
  if (!traits.thinking.includes(type)) {
    const hint =
      type === "enabled"
        ? ' Use "thinking.type.adaptive" and "output_config.effort" to control thinking behavior.'
        : "";
    throw refuse(`"thinking.type.${type}" is not supported for this model.${hint}`);
  }
  if (type === "disabled" && model.startsWith("claude-opus-5") && ["xhigh", "max"].includes(effort)) {
    throw refuse('"thinking.type.disabled" is not supported at this effort for this model.');
  }
  if (type !== "enabled") {
    return;
  }
  const maxTokens = asNumber(body.max_tokens);
  if (maxTokens !== undefined && maxTokens <= (asNumber(thinking.budget_tokens) ?? 0)) {
    throw refuse(
      "`max_tokens` must be greater than `thinking.budget_tokens`. Please consult our documentation at https://docs.claude.com/en/docs/build-with-claude/extended-thinking#max-tokens-and-context-window-size",
    );
  }
  if (["any", "tool"].includes(asString(asRecord(body.tool_choice).type))) {
    throw refuse("Thinking may not be enabled when tool_choice forces tool use.");
  }
}

function checkLimits(body: JsonRecord, model: string, traits: ClaudeTraits): void {
  const maxTokens = asNumber(body.max_tokens) ?? 0;
  if (maxTokens > traits.maxOutputTokens) {
    throw refuse(
      `max_tokens: ${maxTokens} > ${traits.maxOutputTokens}, which is the maximum allowed number of output tokens for ${model}`,
    );
  }
  if (asList(body.stop_sequences).some((stop) => asString(stop).trim() === "")) {
    throw refuse("stop_sequences: each stop sequence must contain non-whitespace");
  }
}

const PROPERTY_KEY = /^[a-zA-Z0-9_.-]{1,64}$/;

function checkKeys(value: unknown, at: string): void {
  if (Array.isArray(value)) for (const [n, inner] of value.entries()) checkKeys(inner, `${at}.${n}`);
  if (!isRecord(value)) return;
  for (const [name, inner] of Object.entries(value)) {
    if (name === "properties" && isRecord(inner)) {
      if (!Object.keys(inner).every((key) => PROPERTY_KEY.test(key)))
        throw refuse(`${at}.properties: Property keys should match pattern '^[a-zA-Z0-9_.-]{1,64}$'`);
    }
    checkKeys(inner, `${at}.${name}`);
  }
}

function checkTools(body: JsonRecord): void {
  const tools = asList(body.tools).map(asRecord);
  const names = tools.map((tool) => asString(tool.name)).filter((name) => name !== "");
  if (new Set(names).size !== names.length) {
    throw refuse("tools: Tool names must be unique.");
  }
  for (const [index, tool] of tools.entries()) {
    const schema = asRecord(tool.input_schema);
    checkKeys(schema, `tools.${index}.custom.input_schema`);
    if (tool.strict === true) {
      checkStrictSchema(schema, `tools.${index}.custom.input_schema`);
    }
    if (["anyOf", "oneOf", "allOf"].some((word) => word in schema)) {
      throw refuse(
        `tools.${index}.custom.input_schema: input_schema does not support oneOf, allOf, or anyOf at the top level`,
      );
    }
  }
  const choice = asRecord(body.tool_choice);
  if (body.tool_choice !== undefined && tools.length === 0) {
    throw refuse("tool_choice: tool_choice may only be specified while providing tools.");
  }
  if (choice.type === "tool" && !names.includes(asString(choice.name))) {
    throw refuse(`Tool '${asString(choice.name)}' not found in provided tools`);
  }
}

function checkOutput(body: JsonRecord, traits: ClaudeTraits): void {
  const config = asRecord(body.output_config);
  const isEffortKnown =
    traits.thinking.includes("adaptive") || asString(body.model).startsWith("claude-opus-4-5");
  if (config.effort !== undefined && config.effort !== null && !isEffortKnown) {
    throw refuse("This model does not support the effort parameter.");
  }
  checkStrictSchema(asRecord(config.format).schema, "output_config.format.schema");
}

/**
 * Checks the cache marks in the order of the prompt: not too many, and long-lived marks before short-lived
 * ones.
 */
function checkCacheMarks(body: JsonRecord): void {
  const blocks = [
    ...asList(body.tools),
    ...asList(body.system),
    ...asList(body.messages)
      .flatMap((turn) => asList(asRecord(turn).content))
      .flatMap((block) => [...asList(asRecord(block).content), block]),
  ];
  const marks = blocks.map((block) => asRecord(block).cache_control).filter(isRecord);
  if (marks.length > MAX_CACHE_MARKS) {
    throw refuse(
      `A maximum of ${MAX_CACHE_MARKS} blocks with cache_control may be provided. Found ${marks.length}.`,
    );
  }
  const firstShort = marks.findIndex((mark) => mark.ttl !== "1h");
  if (firstShort >= 0 && marks.slice(firstShort).some((mark) => mark.ttl === "1h")) {
    throw refuse(
      "cache_control.ttl: a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block. Note that blocks are processed in the following order: `tools`, `system`, `messages`.",
    );
  }
}

function checkSystem(body: JsonRecord): void {
  const texts = asList(body.system).map((block) => asString(asRecord(block).text));
  if (texts.includes("")) {
    throw refuse("system: text content blocks must be non-empty");
  }
}
