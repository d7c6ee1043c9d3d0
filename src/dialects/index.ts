/** The dialects there are. */
import {
  renderError as renderMessagesError,
  renderStreamError as renderMessagesStreamError,
} from "./anthropic-messages/error-encode.ts";
import {
  renderModel as renderMessagesModel,
  renderModels as renderMessagesModels,
} from "./anthropic-messages/models.ts";
import { MessagesReader } from "./anthropic-messages/tap.ts";
import type { Dialect, DialectName } from "./dialect.ts";
import {
  renderError as renderGeminiError,
  renderStreamError as renderGeminiStreamError,
} from "./gemini/error-encode.ts";
import { renderModel as renderGeminiModel, renderModels as renderGeminiModels } from "./gemini/models.ts";
import { GeminiReader } from "./gemini/tap.ts";
import {
  renderError as renderChatError,
  renderStreamError as renderChatStreamError,
} from "./openai-chat/error-encode.ts";
import { renderModel as renderChatModel, renderModels as renderChatModels } from "./openai-chat/models.ts";
import { ChatReader } from "./openai-chat/tap.ts";
import {
  renderError as renderResponsesError,
  renderStreamError as renderResponsesStreamError,
} from "./openai-responses/error-encode.ts";
import {
  renderModel as renderResponsesModel,
  renderModels as renderResponsesModels,
} from "./openai-responses/models.ts";
import { ResponsesReader } from "./openai-responses/tap.ts";
import { tapOf } from "./shared/tap-of.ts";

function inErrorMember(failure: string): string {
  return `{"error":${failure}}`;
}

/** Every dialect by its name. */
export const DIALECTS: Readonly<Record<DialectName, Dialect>> = {
  "openai-chat": {
    name: "openai-chat",
    makeTap: (options) => tapOf(new ChatReader(options.removeUsageChunk), options),
    renderError: renderChatError,
    renderStreamError: renderChatStreamError,
    wrapFailure: inErrorMember,
    needsEndMark: () => false,
    ping: (framing) => (framing === "sse" ? ": ping\n\n" : null),
    renderModels: renderChatModels,
    renderModel: renderChatModel,
  },
  "openai-responses": {
    name: "openai-responses",
    makeTap: (options) => tapOf(new ResponsesReader(), options),
    renderError: renderResponsesError,
    renderStreamError: renderResponsesStreamError,
    wrapFailure: inErrorMember,
    needsEndMark: () => true,
    ping: (framing) => (framing === "sse" ? ": ping\n\n" : null),
    renderModels: renderResponsesModels,
    renderModel: renderResponsesModel,
  },
  "anthropic-messages": {
    name: "anthropic-messages",
    makeTap: (options) => tapOf(new MessagesReader(options.keepsReplyId ?? false), options),
    renderError: renderMessagesError,
    renderStreamError: renderMessagesStreamError,
    wrapFailure: (failure) => `{"type":"error","error":${failure}}`,
    needsEndMark: () => true,
    ping: (framing) => (framing === "sse" ? 'event: ping\ndata: {"type":"ping"}\n\n' : null),
    renderModels: renderMessagesModels,
    renderModel: renderMessagesModel,
  },
  gemini: {
    name: "gemini",
    makeTap: (options) => tapOf(new GeminiReader(), options),
    renderError: renderGeminiError,
    renderStreamError: renderGeminiStreamError,
    wrapFailure: inErrorMember,
    needsEndMark: (framing) => framing === "json-array",
    // A comment apart from any event: the official SDK loses an event that a comment is part of.
    ping: (framing) => (framing === "sse" ? ": ping\n\n" : framing === "json-array" ? "\n" : null),
    renderModels: renderGeminiModels,
    renderModel: renderGeminiModel,
  },
};
