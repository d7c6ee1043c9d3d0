/** Gemini's generateContent. */
import type { Dialect, EndpointFacts } from "../dialect.ts";
import { ID, NUMBER } from "../query-values.ts";
import { RequestPeek } from "../shared/request-peek.ts";
import { tapOf } from "../shared/tap/tap-of.ts";
import { decodeError } from "./error-decode.ts";
import { renderError } from "./error-encode.ts";
import { renderModel, renderModels } from "./models.ts";
import { PEEK_SHAPE, PREFIX, PROVIDER_IDS } from "./peek.ts";
import { REPAIRS } from "./repair.ts";
import { repeatFacts } from "./repeat.ts";
import { GeminiReader } from "./tap.ts";

/** An action of a model, under each version that Google's clients know. */
function action(name: string): Pick<EndpointFacts, "path" | "vertexPath"> {
  return {
    path: { kind: "action", action: name, versions: ["v1", "v1beta", "v1alpha", "v1beta1"] },
    vertexPath: { publisher: "google", model: null, actions: [name] },
  };
}

const ANSWER = {
  hasBody: true,
  isBilled: true,
  isLookup: false,
  isGenerative: true,
  isStream: false,
  mayOmitModel: false,
  purpose: "answer",
} satisfies Omit<EndpointFacts, "path">;

/** Vectors of texts, which other dialects ask for in other words. */
const EMBEDDING = {
  hasBody: true,
  isBilled: true,
  isLookup: false,
  isGenerative: false,
  isStream: false,
  mayOmitModel: false,
  purpose: null,
} satisfies Omit<EndpointFacts, "path">;

/** `alt` has more values, whose replies are no JSON. */
const ALT = /^(?:sse|json)$/;

export const gemini = {
  name: "gemini",
  endpoints: {
    generateContent: { ...action("generateContent"), ...ANSWER },
    streamGenerateContent: { ...action("streamGenerateContent"), ...ANSWER, isStream: true },
    embedContent: { ...action("embedContent"), ...EMBEDDING, purpose: "embed" },
    batchEmbedContents: { ...action("batchEmbedContents"), ...EMBEDDING, purpose: "embed" },
    // Of older models on Vertex AI.
    predict: { ...action("predict"), ...EMBEDDING },
    countTokens: {
      ...action("countTokens"),
      hasBody: true,
      isBilled: false,
      isLookup: false,
      isGenerative: false,
      isStream: false,
      mayOmitModel: false,
      purpose: "count",
    },
  },
  isSpokenAt: (path) =>
    (/\/v1(beta|alpha)/.test(path) || path.includes("/publishers/google/")) &&
    !path.includes("/openai/") &&
    !path.includes("/publishers/anthropic/"),
  isSpokenBy: (headers) => headers.has("x-goog-api-key"),
  streamFraming: (search) => {
    // Other values of `alt` are not passed on.
    const alt = new URLSearchParams(search).getAll("alt").find((value) => ALT.test(value));
    return alt === "sse" ? "sse" : "json-array";
  },
  queryParameters: {
    alt: ALT,
    pageSize: NUMBER,
    pageToken: ID,
    updateMask: /^[\w.,]{0,512}$/,
  },
  peekShape: PEEK_SHAPE,
  prefix: PREFIX,
  providerIds: PROVIDER_IDS,
  makePeekSink: () => new RequestPeek(),
  usageOption: null,
  alternative: null,
  limitsOf: () => ({}),
  repairs: REPAIRS,
  repeatFacts,
  makeTap: (options) => tapOf(new GeminiReader(), options),
  decodeError,
  renderError,
  rateHeaders: null,
  wrapFailure: (failure) => `{"error":${failure}}`,
  needsEndMark: (framing) => framing === "json-array",
  // A blank block: the Python SDK (google-genai 3.4.0) and the Go SDK (googleapis/go-genai `iterateResponseStream`)
  // raise a comment as garbage.
  takesComments: false,
  ping: (framing) => (framing === "sse" ? "\n\n" : framing === "json-array" ? "\n" : null),
  modelListPaths: [
    "/v1beta/models",
    "/v1alpha/models",
    "/v1beta1/models",
    // In the form of Vertex AI.
    "/v1beta1/publishers/google/models",
  ],
  pageParameters: { limit: "pageSize", after: "pageToken" },
  renderModels,
  renderModel,
} satisfies Dialect;
