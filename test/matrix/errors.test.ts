// Failures of the provider in each client's dialect: before the answer, within it, and an answer that breaks
// off.

import { expect } from "bun:test";
import { type Ask, type Trouble, type UpstreamKind, user } from "./conversation.ts";
import { type Cell, type Form, matrix, type Seen, testLedger, useStage } from "./matrix.ts";
import { IS_ON_VERTEX } from "./stage.ts";

useStage();

const ask = (): Ask => ({ turns: [user("Hello?")] });
/** A model that fails for many clients is kept away from them, so the clients of each dialect have their own. */
const apart =
  (words: string) =>
  ({ dialect }: Cell, form: Form): string =>
    `${words},of=${dialect}-${form}`;
const told = (trouble: Partial<Trouble>): Seen => ({ trouble, ending: null });

const limited = (trouble: Partial<Trouble>): Seen => ({
  ...told({
    status: 429,
    message: expect.stringMatching(/try again in \d+s/) as unknown as string,
    ...trouble,
  }),
  // Vertex AI does not say how long, and its quotas are for a minute.
  headers: { "retry-after": IS_ON_VERTEX ? /^([1-9]|[1-5]\d|60)$/ : /^([1-9]|[12]\d|30)$/ },
});

matrix("H-123 all credentials are rate limited", {
  words: apart("rate-limit,reset=30"),
  asks: [ask],
  expected: {
    "openai-chat": limited({ code: "rate_limit_exceeded" }),
    // Codex reads the time of the next try from the text.
    "openai-responses": limited({ code: "rate_limit_exceeded" }),
    "anthropic-messages": limited({ type: "rate_limit_error" }),
    gemini: limited({ type: "RESOURCE_EXHAUSTED" }),
  },
});

const WORDS: Readonly<Record<UpstreamKind, string>> = {
  anthropic: "messages: at least one message is required",
  gemini: "Request contains an invalid argument.",
  openai: "Invalid prompt: your prompt was flagged as potentially violating our usage policy.",
  compat: "Invalid prompt: your prompt was flagged as potentially violating our usage policy.",
};
/** The provider's own words. */
const refused =
  (rest: Partial<Trouble>) =>
  ({ upstream }: Cell): Seen =>
    told({ status: 400, message: WORDS[upstream], ...rest });

matrix("H-125 the provider refuses the request", {
  words: {
    anthropic: "anthropic/bad-request",
    gemini: "gemini/bad-request",
    openai: "openai/content-policy",
    compat: "openai/content-policy",
  },
  asks: [ask],
  expected: {
    "openai-chat": refused({ type: "invalid_request_error" }),
    "openai-responses": refused({ type: "invalid_request_error" }),
    "anthropic-messages": refused({ type: "invalid_request_error" }),
    gemini: refused({ type: "INVALID_ARGUMENT" }),
  },
});

const tooLong = (cell: Cell): Seen => {
  const said =
    cell.dialect === "anthropic-messages" && !cell.isRelay
      ? /^prompt is too long/
      : /too long|exceeds|maximum/;
  const rest: Partial<Trouble> =
    cell.dialect === "openai-chat" || cell.dialect === "openai-responses"
      ? { code: "context_length_exceeded" }
      : { type: cell.dialect === "gemini" ? "INVALID_ARGUMENT" : "invalid_request_error" };
  return told({ status: 400, message: expect.stringMatching(said) as unknown as string, ...rest });
};

matrix("H-128, H-129 the conversation is too long", {
  words: {
    anthropic: "anthropic/prompt-too-long",
    gemini: "gemini/context-length",
    openai: "openai/context-length",
    compat: "openai/context-length",
  },
  asks: [ask],
  expected: {
    "openai-chat": tooLong,
    "openai-responses": tooLong,
    "anthropic-messages": tooLong,
    gemini: tooLong,
  },
});

matrix("the provider knows no such model", {
  words: apart("forbidden-model"),
  asks: [ask],
  expected: {
    "openai-chat": told({ status: 404, code: "model_not_found" }),
    "openai-responses": told({ status: 404, code: "model_not_found" }),
    "anthropic-messages": told({ status: 404, type: "not_found_error" }),
    gemini: told({ status: 404, type: "NOT_FOUND" }),
  },
});

matrix("H-124 the provider is overloaded", {
  words: apart("overload"),
  asks: [ask],
  expected: {
    "openai-chat": told({ status: 503 }),
    "openai-responses": told({ status: 503 }),
    "anthropic-messages": told({ status: 529, type: "overloaded_error" }),
    gemini: told({ status: 503, type: "UNAVAILABLE" }),
  },
});

const begun = (trouble: Partial<Trouble>): Seen => ({
  text: expect.stringMatching(/^You said/) as unknown as string,
  ending: null,
  trouble: { status: null, ...trouble },
});

matrix("H-16 an error in the stream", {
  words: {
    anthropic: "error-mid,after=6",
    gemini: "error-mid,after=3",
    openai: "error-mid,after=10",
    compat: "error-mid,after=4",
  },
  asks: [ask],
  forms: ["stream"],
  expected: {
    "openai-chat": begun({}),
    "openai-responses": begun({}),
    "anthropic-messages": begun({ type: "overloaded_error" }),
    gemini: begun({ code: "503", type: "UNAVAILABLE" }),
  },
});

matrix("H-8 a stream that breaks off", {
  words: { anthropic: "cut,after=6", gemini: "cut,after=3", openai: "cut,after=10", compat: "cut,after=4" },
  asks: [ask],
  forms: ["stream"],
  expected: {
    "openai-chat": begun({ code: "upstream_disconnected" }),
    "openai-responses": begun({ code: "server_error" }),
    "anthropic-messages": begun({ type: "api_error" }),
    gemini: begun({ code: "503", type: "UNAVAILABLE" }),
  },
});

matrix("a whole reply that breaks off", {
  words: apart("cut"),
  asks: [ask],
  forms: ["whole"],
  expected: {
    "openai-chat": told({ status: 502, type: "server_error" }),
    "openai-responses": told({ status: 502, type: "server_error" }),
    "anthropic-messages": told({ status: 500, type: "api_error" }),
    gemini: told({ status: 503, type: "UNAVAILABLE" }),
  },
});

matrix("H-15 a page of HTML for an answer", {
  words: apart("html"),
  asks: [ask],
  expected: {
    "openai-chat": told({ status: 502, type: "server_error" }),
    "openai-responses": told({ status: 502, type: "server_error" }),
    "anthropic-messages": told({ status: 500, type: "api_error" }),
    gemini: told({ status: 500, type: "INTERNAL" }),
  },
});

testLedger();
