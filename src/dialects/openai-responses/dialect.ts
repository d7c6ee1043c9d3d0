/** OpenAI's Responses API. */
import type { Dialect } from "../dialect.ts";
import { STORED_QUERY } from "../query-values.ts";
import { renderModel, renderModels } from "../shared/openai-models.ts";
import { resellerLimits } from "../shared/reseller.ts";
import { RATE_HEADERS } from "../shared/retry-header.ts";
import { tapOf } from "../shared/tap/tap-of.ts";
import { decodeError } from "./error-decode.ts";
import { renderError } from "./error-encode.ts";
import { FOREIGN_FORMS } from "./foreign/forms.ts";
import { PEEK_SHAPE, PREFIX, PROVIDER_IDS, ResponsesPeek } from "./peek.ts";
import { REPAIRS } from "./repair.ts";
import { repeatFacts } from "./repeat.ts";
import { ResponsesReader } from "./tap.ts";

export const openaiResponses = {
  name: "openai-responses",
  endpoints: {
    responses: {
      path: { kind: "fixed", path: "responses" },
      hasBody: true,
      isBilled: true,
      isLookup: false,
      isGenerative: true,
      isStream: false,
      mayOmitModel: true,
      purpose: "answer",
    },
    "responses.input_tokens": {
      path: { kind: "fixed", path: "responses/input_tokens" },
      hasBody: true,
      isBilled: false,
      isLookup: false,
      isGenerative: false,
      isStream: false,
      mayOmitModel: true,
      purpose: "count",
    },
    "responses.compact": {
      path: { kind: "fixed", path: "responses/compact" },
      hasBody: true,
      isBilled: true,
      isLookup: false,
      isGenerative: true,
      isStream: false,
      mayOmitModel: true,
      purpose: null,
    },
    "responses.stored": {
      path: { kind: "stored", collection: "responses" },
      hasBody: false,
      isBilled: false,
      isLookup: true,
      isGenerative: false,
      isStream: false,
      mayOmitModel: true,
      purpose: null,
    },
  },
  isSpokenAt: (path) => path.includes("/responses"),
  isSpokenBy: () => false,
  streamFraming: () => "sse",
  queryParameters: STORED_QUERY,
  peekShape: PEEK_SHAPE,
  prefix: PREFIX,
  providerIds: PROVIDER_IDS,
  makePeekSink: () => new ResponsesPeek(),
  foreignForms: FOREIGN_FORMS,
  usageOption: null,
  alternative: null,
  limitsOf: (model) => ({ stop: false, ...resellerLimits(model) }),
  repairs: REPAIRS,
  repeatFacts,
  makeTap: (options) => tapOf(new ResponsesReader(), options),
  decodeError,
  renderError,
  rateHeaders: RATE_HEADERS,
  wrapFailure: (failure) => `{"error":${failure}}`,
  needsEndMark: () => true,
  takesComments: true,
  // No blank line: openai-go before openai/openai-go#621 takes a block without data for an event, and fails.
  ping: (framing) => (framing === "sse" ? ": ping\n" : null),
  modelListPaths: [],
  pageParameters: { limit: "limit", after: "after" },
  renderModels,
  renderModel,
} satisfies Dialect;
