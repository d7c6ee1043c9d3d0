/** What a client can ask for and where it goes. */
import * as v from "valibot";
import type { Operation } from "./operation.ts";
import { count, name } from "./values.ts";

const target = v.strictObject({
  upstream: v.string(),
  model: v.string(),
  weight: v.number(),
  /** Credentials of the upstream that are ready, of all that it has. */
  readyCredentials: count,
  credentials: count,
  /** Nano-dollars a million tokens; null: no price is known. */
  price: v.nullable(
    v.strictObject({
      input: v.nullable(v.number()),
      output: v.nullable(v.number()),
      cacheRead: v.nullable(v.number()),
      cacheWrite: v.nullable(v.number()),
      version: v.string(),
    }),
  ),
  abilities: v.strictObject({
    contextTokens: v.nullable(count),
    maxOutputTokens: v.nullable(count),
    thinking: v.boolean(),
    image: v.boolean(),
    pdf: v.boolean(),
    audio: v.boolean(),
    video: v.boolean(),
    structuredOutput: v.boolean(),
  }),
});

const model = v.strictObject({
  /** As a client asks for it; may end in `*`. */
  name: v.string(),
  /** `entry`: of `[[models]]`. `listed`: an upstream's own list has it. */
  from: v.picklist(["entry", "listed"]),
  targets: v.array(target),
  /** Other targets for prompts that are too long, and for refused content. */
  overflow: v.array(target),
  refusal: v.array(target),
});

export const MODELS = {
  listModels: {
    method: "GET",
    path: "/models",
    who: "signed-in",
    summary: "The models that clients can ask for, with their targets, prices and abilities.",
    reply: v.strictObject({ models: v.array(model) }),
  },
  explain: {
    method: "POST",
    path: "/explain",
    who: "signed-in-changing",
    summary: "The exact request for each target of a client's request, without sending it.",
    body: v.strictObject({
      /** As in `/v1/messages`. */
      path: v.pipe(v.string(), v.maxLength(512)),
      body: v.record(v.string(), v.unknown()),
      /** The client key by whose rights it is planned; absent: without limits. */
      key: v.optional(name),
    }),
    /** As docs/explain.md describes it. */
    reply: v.record(v.string(), v.unknown()),
  },
} as const satisfies Record<string, Operation>;
