// The answers of each provider's methods to a good request.

import { createHash } from "node:crypto";
import { billedOf } from "../answer/billed.ts";
import * as catalogue from "../answer/catalogue.ts";
import { countPrompt, countTokens } from "../answer/prompt-cache.ts";
import type { SimRequest } from "../answer/request.ts";
import { seal } from "../answer/seal.ts";
import { countMessageTokens, replyMessages } from "../anthropic-messages/reply.ts";
import { asList, asNumber, asRecord, type JsonRecord } from "../base/json.ts";
import { type Reply, wholeReply } from "../base/reply.ts";
import { countContentTokens, replyGenerate } from "../gemini/reply.ts";
import { replyChat } from "../openai-chat/reply.ts";
import { inputItems, promptOf, questionOf } from "../openai-responses/question.ts";
import { replyResponse, usageOf } from "../openai-responses/reply.ts";
import { checkCalls } from "../openai-responses/rules.ts";
import type { ResponseStore } from "../openai-responses/store.ts";
import type { VertexPlace } from "../vertex/place.ts";
import type { Route } from "./route.ts";

export function replyTo(route: Route, request: SimRequest, store: ResponseStore): Reply {
  const owner = request.key;
  switch (route.method) {
    case "chat":
      return replyChat(request);
    case "responses":
      return replyResponse(request, historyOf(request, store), (stored) => store.keep(owner, stored));
    case "response-get":
      return wholeReply(store.read(owner, route.id, request.nowMs));
    case "response-delete":
      store.remove(owner, route.id);
      return wholeReply({ id: route.id, object: "response", deleted: true });
    case "response-cancel":
      return wholeReply(store.cancel(owner, route.id, request.nowMs));
    case "response-items":
      return wholeReply(openaiList(store.find(owner, route.id).input));
    case "input-tokens":
      return wholeReply({
        object: "response.input_tokens",
        input_tokens: inputTokens(request.body, historyOf(request, store)),
      });
    case "compact":
      return compact(request, historyOf(request, store));
    case "embeddings":
      return embeddings(request);
    case "messages":
      return replyMessages(request);
    case "count-messages":
      return wholeReply(countMessageTokens(request));
    case "generate":
      return replyGenerate(request);
    case "count-contents":
      return wholeReply(countContentTokens(request.body));
    case "embed-content":
      return embedContent(request);
    case "embed-contents":
      return embedContents(request);
    case "predict":
      return predict(request);
    case "kept-contents":
      return wholeReply({});
    case "models":
      return wholeReply(route.place === undefined ? models(route, request) : publisherModels(route.place));
    case "model":
      return wholeReply(
        request.persona === undefined ? model(route, request.model) : catalogue.openaiModel(request.model),
      );
  }
}

/** The stored history. Throws if the input does not fit that history. */
function historyOf(request: SimRequest, store: ResponseStore): readonly JsonRecord[] {
  const history = store.history(request.key, request.body);
  const { conversation = null } = request.body;
  checkCalls([...history, ...inputItems(request.body)], conversation === null);
  return history;
}

function openaiList(data: readonly JsonRecord[]): unknown {
  return {
    object: "list",
    data,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: false,
  };
}

function inputTokens(body: JsonRecord, history: readonly JsonRecord[]): number {
  return countPrompt(promptOf(body, [...history, ...inputItems(body)]));
}

function compact(request: SimRequest, history: readonly JsonRecord[]): Reply {
  const input = [...history, ...inputItems(request.body)];
  const answer = request.answer(questionOf(request, input));
  const users = input.filter((item) => item.role === "user");
  const compaction = {
    id: `resp_${request.hex(25)}`,
    object: "response.compaction",
    created_at: Math.floor(request.nowMs / 1000),
    output: [
      ...users,
      {
        id: `cmp_${request.hex(25)}`,
        type: "compaction",
        encrypted_content: seal("openai", request.organization, JSON.stringify(input)),
      },
    ],
    usage: usageOf(answer),
  };
  return wholeReply(compaction, billedOf(answer));
}

const DEFAULT_DIMENSIONS = 1536;

/** A unit vector that depends on the text alone. */
function embeddings(request: SimRequest): Reply {
  const { body } = request;
  const inputs = Array.isArray(body.input) && typeof body.input[0] !== "number" ? body.input : [body.input];
  const dimensions = asNumber(body.dimensions) ?? DEFAULT_DIMENSIONS;
  const tokens = inputs.reduce((sum: number, input) => sum + countTokens(JSON.stringify(input)), 0);
  const data = inputs.map((input, index) => {
    const vector = embed(JSON.stringify(input), dimensions);
    const embedding =
      body.encoding_format === "base64" ? Buffer.from(vector.buffer).toString("base64") : [...vector];
    return { object: "embedding", index, embedding };
  });
  const usage = { prompt_tokens: tokens, total_tokens: tokens };
  return wholeReply({ object: "list", data, model: request.model, usage }, inputAlone(tokens));
}

/** Gemini's own form, for one text. */
function embedContent({ body }: SimRequest): Reply {
  const text = JSON.stringify(body.content ?? null);
  const tokens = countTokens(text);
  const values = [...embed(text, asNumber(body.outputDimensionality) ?? DEFAULT_DIMENSIONS)];
  return wholeReply(
    { embedding: { values }, usageMetadata: { promptTokenCount: tokens } },
    inputAlone(tokens),
  );
}

/** The same for several texts, each in a request of its own. */
function embedContents({ body }: SimRequest): Reply {
  const requests = asList(body.requests).map(asRecord);
  const texts = requests.map(({ content }) => JSON.stringify(content ?? null));
  const tokens = texts.reduce((sum, text) => sum + countTokens(text), 0);
  const embeddings = requests.map(({ outputDimensionality }, n) => ({
    values: [...embed(texts[n] as string, asNumber(outputDimensionality) ?? DEFAULT_DIMENSIONS)],
  }));
  return wholeReply({ embeddings, usageMetadata: { promptTokenCount: tokens } }, inputAlone(tokens));
}

/** The form of Vertex AI's older models, for several texts. */
function predict({ body }: SimRequest): Reply {
  const texts = asList(body.instances).map((instance) => JSON.stringify(instance));
  const counts = texts.map((text) => countTokens(text));
  const predictions = texts.map((text, index) => ({
    embeddings: {
      values: [...embed(text, 8)],
      statistics: { token_count: counts[index], truncated: false },
    },
  }));
  return wholeReply({ predictions }, inputAlone(counts.reduce((sum, count) => sum + count, 0)));
}

function inputAlone(input: number) {
  return { input, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, output: 0, searches: 0 };
}

function embed(text: string, dimensions: number): Float32Array {
  const seed = createHash("sha256").update(text).digest();
  const vector = Float32Array.from(
    { length: dimensions },
    (_, index) => ((seed[index % 32] ?? 0) - 127.5) / (index + 1),
  );
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
}

function models(route: Route, request: SimRequest): unknown {
  switch (route.vendor) {
    case "anthropic":
      return anthropicPage(request.query);
    case "gemini":
      return geminiPage(request.query);
    case "openai":
      return {
        object: "list",
        data: (request.persona?.models ?? catalogue.OPENAI_MODELS).map(catalogue.openaiModel),
      };
  }
}

function publisherModels({ publisher }: VertexPlace): unknown {
  const ids = publisher === "anthropic" ? catalogue.ANTHROPIC_MODELS : catalogue.GEMINI_MODELS;
  const models = ids.map((id) => ({
    name: `publishers/${publisher}/models/${id}`,
    versionId: "default",
    launchStage: "GA",
  }));
  return { publisherModels: models };
}

function anthropicPage(query: URLSearchParams): unknown {
  const limit = Math.min(Math.max(Number(query.get("limit") ?? 20) || 20, 1), 1000);
  const ids = catalogue.ANTHROPIC_MODELS;
  const after = ids.indexOf(query.get("after_id") ?? "");
  const page = ids.slice(after + 1, after + 1 + limit);
  return {
    data: page.map(catalogue.anthropicModel),
    first_id: page[0] ?? null,
    last_id: page.at(-1) ?? null,
    has_more: after + 1 + limit < ids.length,
  };
}

function geminiPage(query: URLSearchParams): unknown {
  const size = Math.min(Math.max(Number(query.get("pageSize") ?? 50) || 50, 1), 1000);
  const from = Number(query.get("pageToken") ?? 0) || 0;
  const next = from + size < catalogue.GEMINI_MODELS.length ? { nextPageToken: String(from + size) } : {};
  return { models: catalogue.GEMINI_MODELS.slice(from, from + size).map(catalogue.geminiModel), ...next };
}

function model(route: Route, id: string): unknown {
  switch (route.vendor) {
    case "anthropic":
      catalogue.requireAnthropicModel(id);
      return catalogue.anthropicModel(id);
    case "gemini":
      catalogue.requireGeminiModel(id);
      return catalogue.geminiModel(id);
    case "openai":
      catalogue.requireOpenaiModel(id);
      return catalogue.openaiModel(id);
  }
}
