/** Embeddings of OpenAI and compatible servers. */
import type { JsonObject } from "../../../core/json.ts";
import { makeUsage } from "../../../neutral/usage.ts";
import { asArray, asObject, asString } from "../../../wire/json.ts";
import type { EmbeddingCodec } from "../../embedding-codec.ts";
import { Drops } from "../../shared/drops.ts";
import { integerAt, stringAt, wordAt, wrongType } from "../../shared/members.ts";
import { malformed, refusedPart } from "../../shared/refusal.ts";
import { countOf } from "../../shared/token-count.ts";
import { base64OfVector, vectorOf } from "../../shared/vectors.ts";

const MEMBERS: ReadonlySet<string> = new Set(["model", "input", "dimensions", "encoding_format", "user"]);

export const embeddings: EmbeddingCodec = {
  decodeRequest(body) {
    const drops = new Drops();
    drops.addUnknown(body, MEMBERS, "");
    if (stringAt(body, "user", "") !== null) drops.add("user", "other providers are not told of end users");
    const request = {
      texts: textsOf(body.input),
      dimensions: integerAt(body, "dimensions", "", 1),
      encoding: wordAt(body, "encoding_format", "", ["float", "base64"] as const) ?? "float",
      task: null,
      title: null,
      taskAt: "",
      titleAt: "",
    };
    return { request, dropped: drops.list };
  },
  encodeRequest({ texts, dimensions, task, title, taskAt, titleAt }, { model }) {
    const drops = new Drops();
    if (task !== null) drops.add(taskAt, "this dialect does not say what vectors are for");
    if (title !== null) drops.add(titleAt, "this dialect takes no titles");
    const body = {
      model,
      input: texts,
      ...(dimensions === null ? {} : { dimensions }),
      encoding_format: "float",
    };
    return { path: "/v1/embeddings", body, dropped: drops.list };
  },
  decodeReply(body) {
    const entries = asArray(body.data).map((entry) => asObject(entry) ?? {});
    const ordered = entries.toSorted((a, b) => indexOf(a) - indexOf(b));
    const usage = asObject(body.usage);
    const count = countOf(usage?.prompt_tokens ?? usage?.total_tokens);
    return {
      vectors: ordered.map(({ embedding }) => vectorOf(embedding)),
      model: asString(body.model),
      usage: count === null ? null : makeUsage({ inputTokens: count }),
    };
  },
  encodeReply({ vectors, usage }, { model, encoding }) {
    const data = vectors.map((vector, index) => ({
      object: "embedding",
      index,
      embedding: encoding === "base64" ? base64OfVector(vector) : vector,
    }));
    // Clients compute with the counts unchecked: an unknown one is 0.
    const tokens = usage?.inputTokens ?? 0;
    return JSON.stringify({
      object: "list",
      data,
      model,
      usage: { prompt_tokens: tokens, total_tokens: tokens },
    });
  },
};

function textsOf(input: unknown): readonly string[] {
  if (typeof input === "string") return [input];
  if (!Array.isArray(input)) throw wrongType(input, "input", "a string or an array of strings");
  if (input.length === 0) throw malformed("input", "must hold at least one text");
  return input.map((text, n) => {
    if (typeof text === "string") return text;
    // Numbers are tokens of OpenAI's models, or lists of them.
    if (typeof text === "number" || Array.isArray(text))
      throw refusedPart("input", "other providers cannot read OpenAI's tokens; send the text");
    throw wrongType(text, `input[${n}]`, "a string");
  });
}

function indexOf({ index }: JsonObject): number {
  return typeof index === "number" ? index : 0;
}
