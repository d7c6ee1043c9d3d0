/**
 * Google's Vertex AI: Gemini in Google's own dialect, and Claude in the form that vertex-form.ts of its dialect describes.
 * https://cloud.google.com/vertex-ai/generative-ai/docs/learn/locations, …/model-reference/inference,
 * …/partner-models/claude/use-claude, …/error-code-429, November 2026
 */
import { googleKeyIn, projectOf } from "../config/credentials/google-key.ts";
import { toVertexCount, toVertexForm, vertexNameOf } from "../dialects/anthropic-messages/vertex-form.ts";
import type { DialectName } from "../dialects/dialect.ts";
import { ANTHROPIC_ROWS, anthropic } from "./anthropic.ts";
import { wording } from "./evidence/request-words.ts";
import { classifyByTable, type Row, type Verdict } from "./evidence/signal-table.ts";
import { readFailure } from "./failure.ts";
import type { CredentialPlace, Family } from "./family.ts";
import { eventsOrArray } from "./framing.ts";
import { GEMINI_ROWS } from "./gemini.ts";
import { openGoogleSecret } from "./google/google-secret.ts";
import { limitEnd } from "./limit-time.ts";
import { anthropicTraits } from "./model-traits/anthropic-traits.ts";
import { geminiTraits } from "./model-traits/gemini-traits.ts";
import { profileAt, VERTEX, VERTEX_SERVERS } from "./profiles.ts";

/** How Vertex AI names a model in its messages; the model's name is marked. */
const RESOURCE =
  "[`'\"]?(?:projects/[^/`'\"\\s]{1,100}/locations/[^/`'\"\\s]{1,63}/)?publishers/[a-z]{1,40}/models/{model}";

/** The project's own quota, which is for a minute. */
const QUOTA: Verdict = {
  class: "rate",
  scope: "model",
  until: [limitEnd],
  guessMs: 60_000,
  reason: "quota of the project used up",
};

const ROWS: readonly Row[] = [
  {
    status: [403],
    code: /^SERVICE_DISABLED$/,
    verdict: { class: "config", reason: "the project has not enabled the Vertex AI API", isStatement: true },
  },
  {
    status: [403],
    code: /^IAM_PERMISSION_DENIED$/,
    text: wording("permission '?aiplatform\\.endpoints\\.predict'? denied"),
    verdict: { class: "forbid", reason: "the account may not call models in this project" },
  },
  {
    status: [404],
    text: wording(`publisher model ${RESOURCE}[\`'"]? (?:was|is) not found`),
    verdict: { class: "forbid", reason: "the project does not have the model in this region" },
  },
  {
    status: [400],
    code: /^FAILED_PRECONDITION$/,
    text: wording(`publisher model ${RESOURCE}[\`'"]? is not (?:servable|available|supported) in`),
    verdict: { class: "forbid", reason: "the region does not serve the model" },
  },
  {
    status: [400, 403],
    code: /^FAILED_PRECONDITION$/,
    text: wording("project [`'\"]?[^\\s]{1,100}[`'\"]? is not allowed to use publisher model"),
    verdict: { class: "forbid", reason: "the project has not enabled the model" },
  },
  {
    status: [400],
    code: /^FAILED_PRECONDITION$/,
    text: wording("organization policy constraint [^\\s]{0,20}constraints/vertexai\\.allowedmodels"),
    verdict: { class: "forbid", reason: "a policy of the organization forbids the model" },
  },
  {
    status: [429],
    when: ({ hasQuotaFailure }) => hasQuotaFailure,
    verdict: QUOTA,
  },
  {
    status: [429],
    text: wording(
      "quota exceeded for (?:quota metric '[^'\\n]{1,200}' and limit )?[^\\n]{0,20}aiplatform\\.googleapis\\.com/",
    ),
    verdict: QUOTA,
  },
  {
    // All projects of the region share what is left, and another region may have more.
    status: [429],
    code: /^RESOURCE_EXHAUSTED$/,
    verdict: {
      class: "rate",
      scope: "model",
      until: [limitEnd],
      guessMs: 5_000,
      reason: "the region has no capacity for the model",
    },
  },
  { status: [499], verdict: { class: "overload", reason: "the upstream gave the request up" } },
];

/** Claude's own errors come in Anthropic's envelope, all others in Google's. */
const ROWS_OF_GOOGLE: readonly Row[] = [...ROWS, ...GEMINI_ROWS];
const ROWS_OF_ANTHROPIC: readonly Row[] = [...ROWS, ...ANTHROPIC_ROWS];

const VERSION = /^\/(v\d\w*)\//;
const MESSAGES = "/v1/messages";
const COUNT = "/v1/messages/count_tokens";
const MULTI_REGIONS: readonly string[] = ["us", "eu"];

function hostOf(region: string): string {
  if (region === "global") return "aiplatform.googleapis.com";
  if (MULTI_REGIONS.includes(region)) return `aiplatform.${region}.rep.googleapis.com`;
  return `${region}-aiplatform.googleapis.com`;
}

/** Of a configured base URL, with or without the version that SDKs have in it. */
function originOf(baseUrl: string): string {
  return baseUrl.replace(/\/v1(?:beta1)?$/, "");
}

/** Ends in the place of the project; for an API key without a project, in the version. */
function baseUrlOf(configured: string | null, { apiKey, project, region }: CredentialPlace): string {
  const place = region ?? "global";
  const origin = configured === null ? `https://${hostOf(place)}` : originOf(configured);
  const billed = project ?? projectOf(googleKeyIn(apiKey));
  return billed === null ? `${origin}/v1` : `${origin}/v1/projects/${billed}/locations/${place}`;
}

/** What the price list calls each place but the global one: https://cloud.google.com/vertex-ai/generative-ai/pricing, November 2026. */
const REGIONAL = "regional";

function isClaude(model: string): boolean {
  return /^(?:publishers\/anthropic\/models\/)?claude-/.test(model);
}

function claudeId(model: string): string {
  return encodeURIComponent(vertexNameOf(model)).replace("%40", "@");
}

function url(baseUrl: string, path: string, model: string, isStream: boolean): string {
  if (path.startsWith(COUNT)) return `${baseUrl}/publishers/anthropic/models/count-tokens:rawPredict`;
  if (path.startsWith(MESSAGES)) {
    const action = isStream ? "streamRawPredict" : "rawPredict";
    return `${baseUrl}/publishers/anthropic/models/${claudeId(model)}:${action}`;
  }
  const version = VERSION.exec(path)?.[1] === "v1" ? "v1" : "v1beta1";
  const rest = path.replace(VERSION, "/");
  // A list is of the publisher, and of no project.
  if (rest.startsWith("/publishers/"))
    return baseUrl.replace(/\/v1(?:\/projects\/.*)?$/, `/${version}`) + rest;
  return `${baseUrl.replace(/\/v1(?=$|\/projects\/)/, `/${version}`)}/publishers/google${rest}`;
}

const AUTH_HEADERS = ["authorization", "x-goog-api-key", "x-goog-user-project"];

export const vertex: Family = {
  name: "vertex",
  dialects: ["anthropic-messages", "gemini"],
  dialectOf: (model): DialectName => (isClaude(model) ? "anthropic-messages" : "gemini"),
  defaultBaseUrl: "https://aiplatform.googleapis.com",
  profileOf: (baseUrl) => profileAt(baseUrl, VERTEX_SERVERS, VERTEX),
  baseUrlOf,
  priceRegionOf: ({ region }) => (region === null || region === "global" ? null : REGIONAL),
  url: ({ baseUrl }, path, model, isStream) => url(baseUrl, path, model, isStream),
  modelEdits(path, body, peek, model) {
    if (path.startsWith(COUNT)) return toVertexCount(body, peek, vertexNameOf(model));
    return path.startsWith(MESSAGES) ? toVertexForm(body, peek) : null;
  },
  withheldHeaders: [...AUTH_HEADERS, "anthropic-version"],
  authorization: { kind: "request", headerNames: AUTH_HEADERS, open: openGoogleSecret },
  framingOf: eventsOrArray,
  modelLists: ["google", "anthropic"].map(
    (publisher) => `/v1beta1/publishers/${publisher}/models?pageSize=200`,
  ),
  modelNames: /^(?:claude|gemini)-/,
  servesOtherMakers: false,
  traitsOf: (name) => (isClaude(name) ? anthropicTraits(name) : geminiTraits(name)),
  defaultHeaders: [],
  classify(reply, profile) {
    const model = isClaude(reply.model) ? vertexNameOf(reply.model) : reply.model;
    const failure = readFailure({ ...reply, model });
    return classifyByTable(failure.isGoogle ? ROWS_OF_GOOGLE : ROWS_OF_ANTHROPIC, failure, profile?.failures);
  },
  envelopeOf: (reply) => (readFailure(reply).isGoogle ? "gemini" : "anthropic-messages"),
  // Google's errors hold their status as a number, which every family reads.
  inBandStatus: anthropic.inBandStatus,
  // Neither publisher's models announce what is left of the quotas.
  roomOf: () => null,
  roomOfFailure: () => null,
};
