/** Anthropic's Messages API. */
import type { Dialect, RateHeaders } from "../dialect.ts";
import { ID, NUMBER } from "../query-values.ts";
import { tapOf } from "../shared/tap/tap-of.ts";
import { decodeError } from "./error-decode.ts";
import { renderError } from "./error-encode.ts";
import { FOREIGN_FORMS } from "./foreign/forms.ts";
import { renderModel, renderModels } from "./models.ts";
import { MessagesPeek, PEEK_SHAPE, PREFIX, PROVIDER_IDS } from "./peek.ts";
import { REPAIRS } from "./repair.ts";
import { repeatFacts } from "./repeat.ts";
import { MessagesReader } from "./tap.ts";
import { fromVertexForm } from "./vertex-form.ts";

/** https://docs.claude.com/en/api/rate-limits#response-headers */
const RATE_HEADERS: RateHeaders = {
  names: {
    requests: {
      limit: "anthropic-ratelimit-requests-limit",
      remaining: "anthropic-ratelimit-requests-remaining",
      reset: "anthropic-ratelimit-requests-reset",
    },
    tokens: {
      limit: "anthropic-ratelimit-tokens-limit",
      remaining: "anthropic-ratelimit-tokens-remaining",
      reset: "anthropic-ratelimit-tokens-reset",
    },
  },
  resetText: (resetsAtMs) => new Date(resetsAtMs).toISOString(),
};

export const anthropicMessages = {
  name: "anthropic-messages",
  endpoints: {
    messages: {
      path: { kind: "fixed", path: "messages" },
      vertexPath: { publisher: "anthropic", model: null, actions: ["rawPredict", "streamRawPredict"] },
      hasBody: true,
      isBilled: true,
      isLookup: false,
      isGenerative: true,
      isStream: false,
      mayOmitModel: false,
      purpose: "answer",
    },
    "messages.count_tokens": {
      path: { kind: "fixed", path: "messages/count_tokens" },
      vertexPath: { publisher: "anthropic", model: "count-tokens", actions: ["rawPredict"] },
      hasBody: true,
      isBilled: false,
      isLookup: false,
      isGenerative: false,
      isStream: false,
      mayOmitModel: false,
      purpose: "count",
    },
  },
  isSpokenAt: (path) => path.includes("/messages") || path.includes("/publishers/anthropic/"),
  isSpokenBy: (headers) =>
    headers.has("anthropic-version") || (headers.has("x-api-key") && !headers.has("authorization")),
  streamFraming: () => "sse",
  // Of lists, and the mark that SDKs put on beta endpoints.
  queryParameters: { beta: /^true$/, limit: NUMBER, before_id: ID, after_id: ID },
  peekShape: PEEK_SHAPE,
  prefix: PREFIX,
  providerIds: PROVIDER_IDS,
  makePeekSink: () => new MessagesPeek(),
  foreignForms: FOREIGN_FORMS,
  usageOption: null,
  alternative: null,
  fromVertexForm,
  limitsOf: () => ({}),
  repairs: REPAIRS,
  repeatFacts,
  makeTap: (options) =>
    tapOf(new MessagesReader((options.peek as MessagesPeek | null)?.keepsReplyId ?? false), options),
  decodeError,
  renderError,
  rateHeaders: RATE_HEADERS,
  wrapFailure: (failure) => `{"type":"error","error":${failure}}`,
  needsEndMark: () => true,
  takesComments: true,
  ping: (framing) => (framing === "sse" ? 'event: ping\ndata: {"type":"ping"}\n\n' : null),
  modelListPaths: [],
  pageParameters: { limit: "limit", after: "after_id" },
  renderModels,
  renderModel,
} satisfies Dialect;
