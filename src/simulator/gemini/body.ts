// Gemini generateContent: the allowed form of a body as a table, and Google's message for a violation.

import { asRecord, isRecord, type JsonRecord } from "../base/json.ts";
import { geminiRefusal, type Refusal } from "../base/refusal.ts";
import type { Problem } from "../strict/shape.ts";
import * as shape from "../strict/shape.ts";

const { any, boolean, integer, list, map, nullable, number, oneOf, openRecord, record, string, union } =
  shape;

const blob = record({ mimeType: string(), data: string() }, { displayName: string() });
const part: shape.Shape = record(
  {},
  {
    text: string(),
    thought: boolean,
    thoughtSignature: string(),
    inlineData: blob,
    fileData: record({ fileUri: string() }, { mimeType: string(), displayName: string() }),
    functionCall: record({ name: string() }, { id: string(), args: map(any) }),
    functionResponse: record(
      { name: string(), response: map(any) },
      {
        id: string(),
        parts: list(record({}, { inlineData: blob, fileData: any })),
        scheduling: oneOf("SCHEDULING_UNSPECIFIED", "SILENT", "WHEN_IDLE", "INTERRUPT"),
        willContinue: boolean,
      },
    ),
    executableCode: openRecord({ code: string() }),
    codeExecutionResult: openRecord({}),
    toolCall: openRecord({}),
    toolResponse: openRecord({}),
    audioTranscription: openRecord({}),
    videoMetadata: openRecord({}),
    mediaResolution: any,
    mediaProcessing: any,
    partMetadata: map(any),
  },
);
const content = record({}, { role: string(), parts: list(part) });

const functionDeclaration = record(
  { name: string({ max: 128, pattern: /^[A-Za-z_][A-Za-z0-9_.:-]*$/ }) },
  {
    description: string(),
    parameters: map(any),
    parametersJsonSchema: any,
    response: map(any),
    responseJsonSchema: any,
    behavior: string(),
  },
);
const tool = record(
  {},
  {
    functionDeclarations: list(functionDeclaration),
    googleSearch: openRecord({}),
    googleSearchRetrieval: openRecord({}),
    codeExecution: openRecord({}),
    urlContext: openRecord({}),
    computerUse: openRecord({}),
    googleMaps: openRecord({}),
    fileSearch: openRecord({}),
    mcpServers: any,
  },
);

const generationConfig = record(
  {},
  {
    temperature: number(0, 2),
    topP: number(0, 1),
    topK: number(0),
    candidateCount: integer(1, 8),
    maxOutputTokens: integer(1),
    stopSequences: list(string(), { max: 5 }),
    responseMimeType: oneOf("text/plain", "application/json", "text/x.enum"),
    responseSchema: map(any),
    responseJsonSchema: any,
    responseLogprobs: boolean,
    logprobs: integer(0, 20),
    presencePenalty: number(-2, 2),
    frequencyPenalty: number(-2, 2),
    seed: integer(),
    responseModalities: list(string()),
    mediaResolution: string(),
    speechConfig: openRecord({}),
    imageConfig: openRecord({}),
    enableEnhancedCivicAnswers: boolean,
    thinkingConfig: record(
      {},
      {
        includeThoughts: boolean,
        thinkingBudget: integer(-1, 32_768),
        thinkingLevel: oneOf(
          "THINKING_LEVEL_UNSPECIFIED",
          "MINIMAL",
          "LOW",
          "MEDIUM",
          "HIGH",
          "minimal",
          "low",
          "medium",
          "high",
        ),
      },
    ),
  },
);

const GENERATE = record(
  { contents: union(list(content), content) },
  {
    model: string(),
    systemInstruction: nullable(union(content, string())),
    tools: list(tool),
    toolConfig: record(
      {},
      {
        functionCallingConfig: record(
          {},
          {
            mode: oneOf("MODE_UNSPECIFIED", "AUTO", "ANY", "NONE", "VALIDATED"),
            allowedFunctionNames: list(string()),
          },
        ),
        retrievalConfig: openRecord({}),
        includeServerSideToolInvocations: boolean,
      },
    ),
    safetySettings: list(record({ category: string(), threshold: string() }, { method: string() })),
    cachedContent: string(),
    serviceTier: string(),
    store: boolean,
    generationConfig,
    continuationToken: string(),
  },
);
const COUNT = record({}, { contents: union(list(content), content), generateContentRequest: GENERATE });

/** The body with camel-case names. Google accepts both spellings. Schemas and arguments stay unchanged. */
export function camelBody(body: JsonRecord, isCount: boolean): JsonRecord {
  return asRecord(camel(isCount ? COUNT : GENERATE, body));
}

function camel(form: shape.Shape, value: unknown): unknown {
  if (form.kind === "union") {
    const member = form.of.find(
      (one) => Array.isArray(value) === (one.kind === "list") && one.kind !== "string",
    );
    return member === undefined ? value : camel(member, value);
  }
  if (form.kind === "list" && Array.isArray(value)) {
    return value.map((one) => camel(form.of, one));
  }
  if (form.kind !== "record" || !isRecord(value)) {
    return value;
  }
  const fields = { ...form.required, ...form.optional };
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => {
      const camelName = name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
      const field = Object.hasOwn(fields, camelName) ? fields[camelName] : undefined;
      return field === undefined ? [name, one] : [camelName, camel(field, one)];
    }),
  );
}

/** Throws if a body with camel-case names does not have the form of its method. */
export function checkBody(body: JsonRecord, isCount: boolean): void {
  const problem = shape.findProblem(isCount ? COUNT : GENERATE, body);
  if (problem !== undefined) {
    throw refusalOf(problem);
  }
}

export function refuse(message: string, details: readonly unknown[] = []): Refusal {
  return geminiRefusal(400, "INVALID_ARGUMENT", message, details);
}

/** `generation_config.stop_sequences[0]`, as Google's parser writes paths. */
function protoPath(path: Problem["path"]): string {
  return path
    .map((step, index) => {
      const name = String(step).replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
      return typeof step === "number" ? `[${step}]` : index === 0 ? name : `.${name}`;
    })
    .join("");
}

const TYPES: Readonly<Record<string, string>> = {
  string: "TYPE_STRING",
  integer: "TYPE_INT32",
  number: "TYPE_FLOAT",
  boolean: "TYPE_BOOL",
};

function refusalOf(problem: Problem): Refusal {
  const path = protoPath(problem.path);
  const parent = protoPath(problem.path.slice(0, -1));
  const shown = JSON.stringify(problem.found);
  const description = {
    missing: `* GenerateContentRequest.${path}: ${String(problem.path.at(-1))} is not specified\n`,
    unknown: `Invalid JSON payload received. Unknown name "${String(problem.path.at(-1))}"${parent === "" ? "" : ` at '${parent}'`}: Cannot find field.`,
    type: `Invalid value at '${path}' (${TYPES[problem.expected] ?? "oneof"}), ${shown}`,
    value: `Invalid value at '${path}' (type.googleapis.com/google.ai.generativelanguage.v1beta), ${shown}`,
    "too-small": `* GenerateContentRequest.${path}: value must be at least ${problem.limit}\n`,
    "too-large": `* GenerateContentRequest.${path}: value must be at most ${problem.limit}\n`,
    "too-short": `* GenerateContentRequest.${path}: too short\n`,
    "too-long": `* GenerateContentRequest.${path}: the number of values must be at most ${problem.limit}\n`,
    pattern: `* GenerateContentRequest.${path}: Invalid function name. Must start with a letter or an underscore. Must be alphameric (a-z, A-Z, 0-9), underscores (_), dots (.), colons (:), or dashes (-), with a maximum length of 128.\n`,
  }[problem.kind];
  const fieldViolations = [
    problem.kind === "unknown" && parent === "" ? { description } : { field: parent || path, description },
  ];
  return refuse(description, [{ "@type": "type.googleapis.com/google.rpc.BadRequest", fieldViolations }]);
}
