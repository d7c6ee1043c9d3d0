// Gemini generateContent: the rules that a table of fields cannot express.

import { geminiMajor, requireGeminiModel } from "../answer/catalogue.ts";
import type { SimRequest } from "../answer/request.ts";
import { asList, asNumber, asRecord, asString, isRecord, type JsonRecord } from "../base/json.ts";
import { geminiRefusal } from "../base/refusal.ts";
import { checkBody, refuse } from "./body.ts";
import { hopOf } from "./continuation.ts";
import { contentsOf } from "./question.ts";
import { checkTurns } from "./turns.ts";

/** The subset of OpenAPI that `parameters` and `responseSchema` accept. Nested schemas are checked too. */
const SCHEMA_WORDS = new Set([
  "type",
  "format",
  "title",
  "description",
  "nullable",
  "enum",
  "maxItems",
  "minItems",
  "properties",
  "required",
  "minProperties",
  "maxProperties",
  "minLength",
  "maxLength",
  "pattern",
  "example",
  "anyOf",
  "propertyOrdering",
  "default",
  "items",
  "minimum",
  "maximum",
]);

export function checkGenerate(request: SimRequest, isCount: boolean): void {
  const { body, model } = request;
  requireGeminiModel(model);
  checkBody(body, isCount);
  const inner =
    isCount && body.generateContentRequest !== undefined ? asRecord(body.generateContentRequest) : body;
  const contents = contentsOf(inner);
  if (contents.length === 0) {
    throw refuse("* GenerateContentRequest.contents: contents is not specified\n");
  }
  checkConfig(inner, model);
  checkTools(inner, model);
  checkForeign(inner);
  checkTurns(contents, geminiMajor(model));
}

/**
 * References to things that the provider stores. The simulator stores none, so every such reference is
 * refused.
 */
function checkForeign(body: JsonRecord): void {
  if (body.cachedContent !== undefined) {
    throw geminiRefusal(403, "PERMISSION_DENIED", "CachedContent not found (or permission denied)");
  }
  if (hopOf(body) === undefined) {
    throw refuse("Invalid continuation token.");
  }
  for (const part of contentsOf(body).flatMap((content) => asList(content.parts).map(asRecord))) {
    const file = /generativelanguage\.googleapis\.com\/.*\bfiles\/([\w-]+)/.exec(
      asString(asRecord(part.fileData).fileUri),
    );
    if (file !== null) {
      throw geminiRefusal(
        403,
        "PERMISSION_DENIED",
        `You do not have permission to access the File ${file[1]} or it may not exist.`,
      );
    }
  }
}

function checkConfig(body: JsonRecord, model: string): void {
  const config = asRecord(body.generationConfig);
  const thinking = asRecord(config.thinkingConfig);
  const budget = asNumber(thinking.thinkingBudget);
  if (budget !== undefined && thinking.thinkingLevel !== undefined) {
    throw refuse("You can only set only one of thinking budget and thinking level.");
  }
  if (thinking.thinkingLevel !== undefined && geminiMajor(model) < 3) {
    throw refuse("Thinking level is not supported for this model.");
  }
  const isThinkingKnown = !/^gemini-(1|2\.0)/.test(model);
  if (config.thinkingConfig !== undefined && !isThinkingKnown) {
    throw refuse("Unable to submit request because Thinking is not supported by this model.");
  }
  const isMinimal = asString(thinking.thinkingLevel).toUpperCase() === "MINIMAL";
  if (isMinimal && /-pro/.test(model)) {
    throw refuse(
      "Thinking level MINIMAL is not supported for this model. Please retry with other thinking level.",
    );
  }
  if (budget !== undefined && /2\.5-pro/.test(model) && budget >= 0 && budget < 128) {
    throw refuse(
      budget === 0
        ? "Budget 0 is invalid. This model only works in thinking mode."
        : `The thinking budget ${budget} is invalid. Please choose a value between 128 and 32768.`,
    );
  }
  const hasSchema = config.responseSchema !== undefined || config.responseJsonSchema !== undefined;
  if (
    hasSchema &&
    config.responseMimeType !== "application/json" &&
    config.responseMimeType !== "text/x.enum"
  ) {
    throw refuse("Function calling config or response schema needs response_mime_type 'application/json'.");
  }
  if (config.responseSchema !== undefined && config.responseJsonSchema !== undefined) {
    throw refuse("Only one of response_schema and response_json_schema may be set.");
  }
  checkSchema(config.responseSchema, "generation_config.response_schema");
  checkJsonSchema(config.responseJsonSchema, "generation_config.response_json_schema", 0);
  if (config.logprobs !== undefined && config.responseLogprobs !== true) {
    throw refuse("logprobs can only be set if response_logprobs is true.");
  }
}

const BUILT_IN_TOOLS = [
  "googleSearch",
  "googleSearchRetrieval",
  "codeExecution",
  "urlContext",
  "googleMaps",
  "fileSearch",
];

/**
 * The provider's tools beside functions: from the third generation on, and only if the request asks for the
 * mix.
 */
function checkMixedTools(body: JsonRecord, model: string): void {
  const tools = asList(body.tools).map(asRecord);
  const hasFunctions = tools.some((one) => asList(one.functionDeclarations).length > 0);
  const hasBuiltIn = tools.some((one) => BUILT_IN_TOOLS.some((name) => one[name] !== undefined));
  if (!hasFunctions || !hasBuiltIn) {
    return;
  }
  if (geminiMajor(model) < 3) {
    throw refuse("Tool use with function calling is unsupported");
  }
  if (asRecord(body.toolConfig).includeServerSideToolInvocations !== true) {
    throw refuse(
      "Please enable tool_config.include_server_side_tool_invocations to use Built-in tools with Function calling.",
    );
  }
}

function checkTools(body: JsonRecord, model: string): void {
  checkMixedTools(body, model);
  const tools = asList(body.tools).map(asRecord);
  const names: string[] = [];
  for (const [at, one] of tools.entries()) {
    for (const [index, declaration] of asList(one.functionDeclarations).map(asRecord).entries()) {
      names.push(asString(declaration.name));
      const place = `tools[${at}].function_declarations[${index}]`;
      if (declaration.parameters !== undefined && declaration.parametersJsonSchema !== undefined) {
        throw refuse(
          `* GenerateContentRequest.${place}: parameters and parameters_json_schema must not both be set\n`,
        );
      }
      checkSchema(declaration.parameters, `${place}.parameters`);
      checkJsonSchema(declaration.parametersJsonSchema, `${place}.parameters_json_schema`, 0);
    }
  }
  const double = names.find((name, index) => names.indexOf(name) !== index);
  if (double !== undefined) {
    throw refuse(`Duplicate function declaration found: ${double}`);
  }
  const calling = asRecord(asRecord(body.toolConfig).functionCallingConfig);
  const allowed = asList(calling.allowedFunctionNames).map(asString);
  if (allowed.length > 0 && calling.mode !== "ANY" && calling.mode !== "VALIDATED") {
    throw refuse("Function calling config with allowed_function_names needs mode ANY or VALIDATED.");
  }
  const odd = allowed.find((name) => !names.includes(name));
  if (odd !== undefined) {
    throw refuse(`allowed_function_names: ${odd} is not among the function declarations.`);
  }
  if (calling.mode === "ANY" && names.length === 0) {
    throw refuse("Function calling mode is set to ANY, but no function declarations are provided.");
  }
}

const MAX_DEPTH = 64;

/** JSON Schema is accepted unchecked, except that `$ref` allows no sibling. */
function checkJsonSchema(schema: unknown, path: string, depth: number): void {
  if (Array.isArray(schema)) {
    schema.forEach((one, index) => {
      checkJsonSchema(one, `${path}[${index}]`, depth + 1);
    });
    return;
  }
  if (!isRecord(schema) || depth > MAX_DEPTH) {
    return;
  }
  if (typeof schema.$ref === "string") {
    const beside = Object.keys(schema).find((name) => !name.startsWith("$"));
    if (beside !== undefined) {
      throw refuse(
        `* GenerateContentRequest.${path}: $ref cannot be set together with other fields, found ${beside}\n`,
      );
    }
    if (!schema.$ref.startsWith("#")) {
      throw refuse(`* GenerateContentRequest.${path}: only local references are supported\n`);
    }
  }
  for (const [name, one] of Object.entries(schema)) {
    if (!["default", "example", "examples", "enum", "const"].includes(name)) {
      checkJsonSchema(one, `${path}.${name}`, depth + 1);
    }
  }
}

function checkSchema(schema: unknown, path: string): void {
  if (!isRecord(schema)) {
    return;
  }
  for (const [name, value] of Object.entries(schema)) {
    const camelName = name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
    if (!SCHEMA_WORDS.has(camelName)) {
      const description = `Invalid JSON payload received. Unknown name "${name}" at '${path}': Cannot find field.`;
      const fieldViolations = [{ field: path, description }];
      throw refuse(description, [{ "@type": "type.googleapis.com/google.rpc.BadRequest", fieldViolations }]);
    }
    if (name === "type" && Array.isArray(value)) {
      throw refuse(`Proto field is not repeating, cannot start list at '${path}.type'.`);
    }
    if (name === "enum" && asList(value).some((one) => typeof one !== "string")) {
      throw refuse(`Invalid value at '${path}.enum[0]' (TYPE_STRING), ${JSON.stringify(asList(value)[0])}`);
    }
  }
  const type = asString(schema.type).toLowerCase();
  if (type === "array" && schema.items === undefined) {
    throw refuse(`* GenerateContentRequest.${path}.items: missing field.\n`);
  }
  if (type === "object" && isRecord(schema.properties) && Object.keys(schema.properties).length === 0) {
    throw refuse(`* GenerateContentRequest.${path}.properties: should be non-empty for OBJECT type\n`);
  }
  for (const [name, property] of Object.entries(asRecord(schema.properties))) {
    checkSchema(property, `${path}.properties[${name}]`);
  }
  checkSchema(schema.items, `${path}.items`);
  for (const [index, one] of asList(schema.anyOf).entries()) {
    checkSchema(one, `${path}.any_of[${index}]`);
  }
}
