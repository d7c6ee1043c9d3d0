/** Embeddings of Google: one text (`embedContent`), several (`batchEmbedContents`), or Vertex AI's `predict`. */
import { GatewayError } from "../../../core/errors.ts";
import type { JsonObject } from "../../../core/json.ts";
import { makeUsage } from "../../../neutral/usage.ts";
import { asArray, asObject, asString } from "../../../wire/json.ts";
import type { EmbeddingCodec, EmbeddingRequest } from "../../embedding-codec.ts";
import { Drops } from "../../shared/drops.ts";
import {
  elementAt,
  int64At,
  listAt,
  requiredObjectAt,
  stringAt,
  withCamelNames,
} from "../../shared/members.ts";
import { malformed, refusedPart } from "../../shared/refusal.ts";
import { countOf } from "../../shared/token-count.ts";
import { vectorOf } from "../../shared/vectors.ts";
import { modelPath, nameOf } from "../request-encode.ts";
import { usageOfPredictions } from "../usage.ts";

const MEMBERS: ReadonlySet<string> = new Set([
  "model",
  "content",
  "taskType",
  "title",
  "outputDimensionality",
]);

type One = Omit<EmbeddingRequest, "texts" | "encoding"> & { readonly text: string };

export const embeddings: EmbeddingCodec = {
  decodeRequest(given, isBatch) {
    const body = withCamelNames(given);
    const drops = new Drops();
    if (!isBatch) return { request: joined([decodeOne(body, "", drops)]), dropped: drops.list };
    const list = listAt(body, "requests", "") ?? [];
    if (list.length === 0) throw malformed("requests", "must hold at least one request");
    const ones = list.map((_, n) =>
      decodeOne(withCamelNames(elementAt(list, n, "requests")), `requests[${n}]`, drops),
    );
    return { request: joined(ones), dropped: drops.list };
  },
  encodeRequest({ texts, dimensions, task, title }, { model, profile }) {
    if (profile.predictsEmbeddings) {
      const instances = texts.map((content) => ({
        content,
        ...(task === null ? {} : { task_type: task }),
        ...(title === null ? {} : { title }),
      }));
      const parameters = dimensions === null ? {} : { parameters: { outputDimensionality: dimensions } };
      return { path: modelPath(model, "predict"), body: { instances, ...parameters }, dropped: [] };
    }
    const requests = texts.map((text) => ({
      model: nameOf(model),
      content: { parts: [{ text }] },
      ...(task === null ? {} : { taskType: task }),
      ...(title === null ? {} : { title }),
      ...(dimensions === null ? {} : { outputDimensionality: dimensions }),
    }));
    return { path: modelPath(model, "batchEmbedContents"), body: { requests }, dropped: [] };
  },
  decodeReply(body) {
    const lists = [
      ...asArray(body.embeddings),
      ...(body.embedding === undefined ? [] : [body.embedding]),
      ...asArray(body.predictions).map((prediction) => asObject(prediction)?.embeddings),
    ];
    const count = countOf(asObject(body.usageMetadata)?.promptTokenCount);
    return {
      vectors: lists.map((entry) => vectorOf(asObject(entry)?.values)),
      model: asString(body.modelVersion),
      usage: count === null ? usageOfPredictions(body.predictions) : makeUsage({ inputTokens: count }),
    };
  },
  encodeReply({ vectors, usage }, { isBatch }) {
    const list = vectors.map((values) => ({ values }));
    const [first] = list;
    if (first === undefined)
      throw new GatewayError("upstream_garbage", "the upstream's reply holds no vectors of numbers");
    const tokens = usage?.inputTokens ?? null;
    const counts =
      tokens === null ? {} : { usageMetadata: { promptTokenCount: tokens, totalTokenCount: tokens } };
    return JSON.stringify({ ...(isBatch ? { embeddings: list } : { embedding: first }), ...counts });
  },
};

function decodeOne(body: JsonObject, at: string, drops: Drops): One {
  drops.addUnknown(body, MEMBERS, at);
  const below = (name: string): string => (at === "" ? name : `${at}.${name}`);
  const content = withCamelNames(requiredObjectAt(body, "content", at));
  const parts = listAt(content, "parts", below("content")) ?? [];
  const texts = parts.map((_, n) => {
    const place = `${below("content")}.parts`;
    const text = stringAt(elementAt(parts, n, place), "text", `${place}[${n}]`);
    if (text === null) throw refusedPart(`${place}[${n}]`, "only Google makes vectors of anything but text");
    return text;
  });
  return {
    text: texts.join("\n"),
    dimensions: int64At(body, "outputDimensionality", at, 1),
    task: stringAt(body, "taskType", at),
    title: stringAt(body, "title", at),
    taskAt: below("taskType"),
    titleAt: below("title"),
  };
}

/** Requests of one batch as one. Other providers make all vectors of a request in one way. */
function joined(ones: readonly One[]): EmbeddingRequest {
  const { text: _, ...first } = ones[0] as One;
  const other = ones.findIndex(({ dimensions }) => dimensions !== first.dimensions);
  if (other > 0)
    throw refusedPart(
      `requests[${other}].outputDimensionality`,
      "other providers make all vectors of a request of one length; send several requests",
    );
  const task = ones.find((one) => one.task !== null);
  const title = ones.find((one) => one.title !== null);
  return {
    texts: ones.map(({ text }) => text),
    ...first,
    task: task?.task ?? null,
    title: title?.title ?? null,
    taskAt: task?.taskAt ?? first.taskAt,
    titleAt: title?.titleAt ?? first.titleAt,
    encoding: "float",
  };
}
