/** Gemini's generateContent. */
import type { Dialect, EndpointFacts } from "../dialect.ts";
import { RequestPeek } from "../shared/request-peek.ts";
import { tapOf } from "../shared/tap-of.ts";
import { renderError } from "./error-encode.ts";
import { renderModel, renderModels } from "./models.ts";
import { PEEK_SHAPE } from "./peek.ts";
import { GeminiReader } from "./tap.ts";

const ANSWER = {
  hasBody: true,
  isBilled: true,
  isGenerative: true,
  isStream: false,
  mayOmitModel: false,
  purpose: "answer",
} satisfies Omit<EndpointFacts, "path">;

export const gemini = {
  name: "gemini",
  endpoints: {
    generateContent: { path: { kind: "action", action: "generateContent" }, ...ANSWER },
    streamGenerateContent: {
      path: { kind: "action", action: "streamGenerateContent" },
      ...ANSWER,
      isStream: true,
    },
    countTokens: {
      path: { kind: "action", action: "countTokens" },
      hasBody: true,
      isBilled: false,
      isGenerative: false,
      isStream: false,
      mayOmitModel: false,
      purpose: "count",
    },
  },
  isSpokenAt: (path) => /\/v1(beta|alpha)/.test(path) && !path.includes("/openai/"),
  isSpokenBy: (headers) => headers.has("x-goog-api-key"),
  streamFraming: (search) => (new URLSearchParams(search).get("alt") === "sse" ? "sse" : "json-array"),
  peekShape: PEEK_SHAPE,
  makePeekSink: () => new RequestPeek(),
  usageOption: null,
  alternative: null,
  makeTap: (options) => tapOf(new GeminiReader(), options),
  renderError,
  wrapFailure: (failure) => `{"error":${failure}}`,
  needsEndMark: (framing) => framing === "json-array",
  // A comment stands apart from any event: the official SDK loses an event that holds a comment.
  ping: (framing) => (framing === "sse" ? ": ping\n\n" : framing === "json-array" ? "\n" : null),
  pageParameters: { limit: "pageSize", after: "pageToken" },
  renderModels,
  renderModel,
} satisfies Dialect;
