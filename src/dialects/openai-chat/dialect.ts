/** Chat Completions, and the embeddings beside it. */
import type { Dialect } from "../dialect.ts";
import { ID, STORED_QUERY } from "../query-values.ts";
import { renderModel, renderModels } from "../shared/openai-models.ts";
import { resellerLimits } from "../shared/reseller.ts";
import { RATE_HEADERS } from "../shared/retry-header.ts";
import { tapOf } from "../shared/tap/tap-of.ts";
import { decodeError } from "./error-decode.ts";
import { renderError } from "./error-encode.ts";
import { FOREIGN_FORMS } from "./foreign/forms.ts";
import { FOREIGN_REPLIES } from "./foreign/replies.ts";
import { ChatPeek, PEEK_SHAPE, PREFIX, PROVIDER_IDS, USAGE_OPTION } from "./peek.ts";
import { REPAIRS } from "./repair.ts";
import { repeatFacts } from "./repeat.ts";
import { ChatReader } from "./tap.ts";

export const openaiChat = {
  name: "openai-chat",
  endpoints: {
    "chat.completions": {
      path: { kind: "fixed", path: "chat/completions" },
      hasBody: true,
      isBilled: true,
      isLookup: false,
      isGenerative: true,
      isStream: false,
      mayOmitModel: false,
      purpose: "answer",
    },
    embeddings: {
      path: { kind: "fixed", path: "embeddings" },
      hasBody: true,
      isBilled: true,
      isLookup: false,
      isGenerative: false,
      isStream: false,
      mayOmitModel: false,
      purpose: "embed",
    },
  },
  isSpokenAt: (path) => path.includes("/chat/completions") || path.includes("/embeddings"),
  isSpokenBy: () => false,
  streamFraming: () => "sse",
  queryParameters: { ...STORED_QUERY, model: ID, "metadata[]": ID },
  peekShape: PEEK_SHAPE,
  foreignForms: FOREIGN_FORMS,
  foreignReplies: FOREIGN_REPLIES,
  prefix: PREFIX,
  providerIds: PROVIDER_IDS,
  makePeekSink: () => new ChatPeek(),
  usageOption: USAGE_OPTION,
  alternative: {
    dialect: "openai-responses",
    mayBeNeeded: (peek) => (peek as ChatPeek).reasonsWithTools,
  },
  limitsOf: (model) => ({
    resultImages: false,
    // On Chat, only models that do nothing but search can search.
    ...(/-search(?:-|$)/.test(model) ? null : { webSearch: false }),
    ...resellerLimits(model),
  }),
  repairs: REPAIRS,
  repeatFacts,
  makeTap: (options) => tapOf(new ChatReader(options.isUsageInjected), options),
  decodeError,
  renderError,
  rateHeaders: RATE_HEADERS,
  wrapFailure: (failure) => `{"error":${failure}}`,
  needsEndMark: () => false,
  takesComments: true,
  // No blank line: openai-go before openai/openai-go#621 takes a block without data for an event, and fails.
  ping: (framing) => (framing === "sse" ? ": ping\n" : null),
  modelListPaths: [],
  pageParameters: { limit: "limit", after: "after" },
  renderModels,
  renderModel,
} satisfies Dialect;
