import { describe, expect, test } from "bun:test";
import type { ModelRequest } from "../../neutral/request.ts";
import { openaiChatCodec } from "./codec.ts";
import { COMPATIBLE, OPENAI, PLAIN } from "./fixtures/codec-under-test.ts";
import {
  bodyOf,
  droppedOf,
  encode,
  faultOf,
  fn,
  NO_THINKING,
  text,
  withThinking,
  withTraits,
} from "./fixtures/request-under-test.ts";

describe("the body", () => {
  test("the stable comes first: model, tools, messages, then what may change", () => {
    const request = { tools: [fn("f")], system: [text("S")], maxOutputTokens: 9, stream: true };
    expect(Object.keys(encode(request).body)).toEqual([
      "model",
      "tools",
      "messages",
      "max_completion_tokens",
      "store",
      "stream",
      "stream_options",
    ]);
    expect(encode(request)).toMatchObject({ path: "/v1/chat/completions", headers: [], dropped: [] });
  });

  test("H-44 usage is asked for in streams", () => {
    expect(bodyOf({ stream: true })).toMatchObject({ stream: true, stream_options: { include_usage: true } });
    expect(bodyOf({})).not.toHaveProperty("stream");
  });

  test("OpenAI gets what is its own, other servers what all know", () => {
    const request = {
      maxOutputTokens: 9,
      userId: "u",
      cacheKey: "k",
      serviceTier: "flex",
      verbosity: "low",
    } as const;
    expect(bodyOf(request)).toMatchObject({
      max_completion_tokens: 9,
      safety_identifier: "u",
      prompt_cache_key: "k",
      service_tier: "flex",
      verbosity: "low",
      store: false,
    });
    const { messages, model, ...rest } = bodyOf(request, COMPATIBLE);
    expect(rest).toEqual({ max_tokens: 9, user: "u" });
    expect(droppedOf(request, COMPATIBLE)).toEqual(["verbosity", "serviceTier"]);
    expect([model, messages]).toEqual(["up-model", [{ role: "user", content: "Hi" }]]);
  });

  test("a model that takes one name of its limit alone is asked by it at every server", () => {
    const traits = { ...COMPATIBLE.traits, needsCompletionLimit: true };
    expect(bodyOf({ maxOutputTokens: 9 }, { ...COMPATIBLE, traits })).toMatchObject({
      max_completion_tokens: 9,
    });
  });

  test("a request outgrows Chat by thinking that goes on from call to call, or that is shown", () => {
    const traits = { ...OPENAI.traits, reasonsOnResponses: true };
    const outgrows = (more: Partial<ModelRequest>, own = traits) =>
      openaiChatCodec.outgrows?.({ ...PLAIN, ...more }, own);
    const thinking = { budgetTokens: null, isDynamic: false };
    const high = { ...thinking, effort: "high", isShown: null } as const;
    const tools = [fn("f")];
    expect(outgrows({ tools })).toBe(true);
    expect(outgrows({ tools, reasoning: high })).toBe(true);
    expect(outgrows({ reasoning: { ...high, isShown: true } })).toBe(true);
    expect(outgrows({ reasoning: high })).toBe(false);
    expect(outgrows({})).toBe(false);
    expect(outgrows({ tools, reasoning: { ...high, effort: "none" } })).toBe(false);
    expect(outgrows({ tools, reasoning: high }, OPENAI.traits)).toBe(false);
  });

  test("the usual tier by other providers' names for it", () => {
    for (const serviceTier of ["standard_only", "standard", "default"]) {
      expect(bodyOf({ serviceTier }).service_tier).toBe("default");
      expect(bodyOf({ serviceTier }, COMPATIBLE)).not.toHaveProperty("service_tier");
      expect(droppedOf({ serviceTier }, COMPATIBLE)).toEqual([]);
    }
  });

  test("the requests of one user come to one cache, also when the client says nothing of it", () => {
    expect(bodyOf({ userId: "u" }).prompt_cache_key).toBe("u");
    expect(bodyOf({ userId: "u", cacheKey: "k" }).prompt_cache_key).toBe("k");
    expect(bodyOf({ userId: "u" }, COMPATIBLE)).not.toHaveProperty("prompt_cache_key");
  });

  test("H-146 an id of the user that is too long is hashed, always to the same", () => {
    const userId = JSON.stringify({ device_id: "d".repeat(64), session_id: "s".repeat(36) });
    const { safety_identifier: sent } = bodyOf({ userId });
    expect(sent).toMatch(/^user_[0-9a-f]+$/);
    expect(sent.length).toBeLessThanOrEqual(64);
    expect(bodyOf({ userId }).safety_identifier).toBe(sent);
  });

  test("H-112 a limit beyond the model's is lowered and named", () => {
    const options = withTraits({ maxOutputTokens: 100 });
    expect(bodyOf({ maxOutputTokens: 500 }, options).max_completion_tokens).toBe(100);
    expect(droppedOf({ maxOutputTokens: 500 }, options)).toEqual(["maxOutputTokens"]);
    expect(bodyOf({}, options)).not.toHaveProperty("max_completion_tokens");
  });

  test("H-117 stop sequences beyond four are watched by the gateway, all of them where the model takes none", () => {
    const stop = ["a", "b", "c", "d", "e"];
    expect(encode({ stop })).toMatchObject({ body: { stop: ["a", "b", "c", "d"] }, watchedStops: ["e"] });
    const none = encode({ stop }, withTraits({ stop: false }));
    expect(none.body).not.toHaveProperty("stop");
    expect(none.watchedStops).toEqual(stop);
  });

  test.each<[Partial<ModelRequest>, string]>([
    [{ candidates: 2 }, "candidates"],
    [{ logprobs: 0 }, "logprobs"],
    [{ outputModalities: ["audio"] }, "outputModalities"],
  ])("H-117, H-147 %j is refused by name", (request, param) => {
    expect(faultOf(request)).toMatchObject({ kind: "not_translatable", param });
  });

  test("sampling that a model refuses is left out, and named when it asked for anything", () => {
    const sampling = { ...PLAIN.sampling, temperature: 1, topP: 0.5, topK: 5, seed: 7, frequencyPenalty: 1 };
    expect(bodyOf({ sampling })).toMatchObject({ temperature: 1, top_p: 0.5, frequency_penalty: 1, seed: 7 });
    expect(droppedOf({ sampling })).toEqual(["topK"]);
    const none = withTraits({ sampling: "none" });
    expect(bodyOf({ sampling }, none)).not.toHaveProperty("temperature");
    expect(droppedOf({ sampling }, none)).toEqual(["topP", "frequencyPenalty", "topK"]);
    expect(droppedOf({ sampling }, withTraits({ sampling: "one" }))).toEqual(["topP", "topK"]);
  });

  test("metadata is named as lost, as nothing is stored", () => {
    expect(droppedOf({ metadata: { a: "b" } })).toEqual(["metadata"]);
  });
});

describe("thinking", () => {
  const asking = (effort: "none" | "minimal" | "max" | null, more: object = {}): Partial<ModelRequest> => ({
    reasoning: { effort, budgetTokens: null, isDynamic: false, isShown: null, ...more },
  });

  test("an effort in the model's nearest word, a budget as a word, nothing as nothing", () => {
    expect(bodyOf(asking("max")).reasoning_effort).toBe("xhigh");
    expect(bodyOf(asking(null, { budgetTokens: 20_000 })).reasoning_effort).toBe("high");
    expect(bodyOf({})).not.toHaveProperty("reasoning_effort");
    expect(
      bodyOf(asking(null, { isDynamic: true }), withThinking({ isOnByDefault: false })).reasoning_effort,
    ).toBe("medium");
  });

  test("a model that does not think: the wish is named; not to think is no wish", () => {
    expect(bodyOf(asking("max"), withThinking(NO_THINKING))).not.toHaveProperty("reasoning_effort");
    expect(droppedOf(asking("max"), withThinking(NO_THINKING))).toEqual(["reasoning"]);
    expect(droppedOf(asking("none"), withThinking(NO_THINKING))).toEqual([]);
  });

  test("a model that always thinks does so as little as it can", () => {
    const options = withThinking({ efforts: ["low", "medium", "high"], canDisable: false });
    expect(bodyOf(asking("none"), options).reasoning_effort).toBe("low");
    expect(droppedOf(asking("none"), options)).toEqual(["reasoning"]);
  });

  test("H-114 tools with a model that refuses both on Chat: no thinking, and that is named", () => {
    const options = withTraits({ needsResponsesForTools: true });
    const request = { ...asking("max"), tools: [fn("f")] };
    expect(bodyOf(request, options).reasoning_effort).toBe("none");
    expect(droppedOf(request, options)).toEqual(["reasoning"]);
    expect(bodyOf(asking("max"), options).reasoning_effort).toBe("xhigh");
  });
});
