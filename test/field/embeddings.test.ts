import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { GoogleGenAI } from "@google/genai";
import OpenAI from "openai";
import { CLIENT_KEY, type Gateway, KEYS_TOML, startGateway, upstreamToml } from "../kit/gateway.ts";
import { type RawReply, request } from "../kit/raw-client.ts";
import { type RawUpstream, sendWhole, startRawUpstream } from "../kit/raw-upstream.ts";
import { describeKind } from "./kind.ts";
import { kind } from "./kinds/embeddings.ts";

const VECTORS = [
  [0.5, -0.25, 1],
  [0, 2, -4],
];

describeKind(kind, () => {
  let upstream: RawUpstream;
  let gateway: Gateway;

  beforeAll(async () => {
    upstream = await startRawUpstream(async (arrived) => {
      if (arrived.body.length === 0) return await sendWhole(arrived, "{}", undefined, "404 Not Found");
      const body = JSON.parse(arrived.body.toString());
      if (arrived.target.includes(":batchEmbedContents")) {
        const embeddings = VECTORS.slice(0, body.requests.length).map((values) => ({ values }));
        const usageMetadata = { promptTokenCount: 7, totalTokenCount: 7 };
        return await sendWhole(arrived, JSON.stringify({ embeddings, usageMetadata }));
      }
      const texts = Array.isArray(body.input) ? body.input : [body.input];
      // Out of order: the index counts.
      const data = VECTORS.slice(0, texts.length)
        .map((embedding, index) => ({ object: "embedding", index, embedding }))
        .reverse();
      const usage = { prompt_tokens: 7, total_tokens: 7 };
      return await sendWhole(arrived, JSON.stringify({ object: "list", data, model: "real", usage }));
    });
    const price = `[[prices]]\nmodel = "*"\ninput = 1.0\noutput = 0.0`;
    gateway = await startGateway({
      toml: [
        KEYS_TOML,
        upstreamToml("gemini", "gemini", upstream.url),
        upstreamToml("house", "openai", `${upstream.url}/v1`, { lines: 'dialects = ["openai-chat"]' }),
        upstreamToml("anthropic", "anthropic", upstream.url),
        `[[models]]\nname = "strict-one"\nstrict = true\ntargets = ["house/bge-m3"]`,
        price,
      ].join("\n"),
    });
  });
  afterAll(async () => {
    await gateway?.close();
    await upstream?.close();
  });

  const sent = () => {
    const [arrived] = upstream.seen.filter(({ body }) => body.length > 0).slice(-1);
    return { path: arrived?.target, body: JSON.parse(arrived?.body.toString() ?? "null") };
  };
  const ask = async (path: string, body: object): Promise<RawReply> =>
    await request(gateway.port, path, { body: JSON.stringify(body) });
  const google = () => new GoogleGenAI({ apiKey: CLIENT_KEY, httpOptions: { baseUrl: gateway.url } });
  const openai = () => new OpenAI({ apiKey: CLIENT_KEY, baseURL: `${gateway.url}/v1`, maxRetries: 0 });

  describe("Google's SDK", () => {
    test("reported: one text, for which it calls batchEmbedContents, on a model of Google", async () => {
      const reply = await google().models.embedContent({
        model: "gemini/gemini-embedding-001",
        contents: "one",
      });
      expect(reply.embeddings?.map(({ values }) => values)).toEqual(VECTORS.slice(0, 1));
      expect(sent().path).toContain("gemini-embedding-001:batchEmbedContents");
    });

    test("several texts on a compatible server, with what is lost named", async () => {
      const reply = await google().models.embedContent({
        model: "house/bge-m3",
        contents: ["one", "two"],
        config: { outputDimensionality: 3, taskType: "RETRIEVAL_QUERY" },
      });
      expect(reply.embeddings?.map(({ values }) => values)).toEqual(VECTORS);
      expect(sent()).toEqual({
        path: "/v1/embeddings",
        body: { model: "bge-m3", input: ["one", "two"], dimensions: 3, encoding_format: "float" },
      });
      expect(reply.sdkHttpResponse?.headers?.["x-clewline-dropped"] ?? "").toContain("taskType");
    });
  });

  describe("OpenAI's SDK", () => {
    // Its default is base64.
    test("several texts on a model of Google, in base64", async () => {
      const reply = await openai().embeddings.create({
        model: "gemini/gemini-embedding-001",
        input: ["one", "two"],
        dimensions: 3,
      });
      expect(reply.data.map(({ embedding }) => embedding)).toEqual(VECTORS);
      expect(reply.usage).toEqual({ prompt_tokens: 7, total_tokens: 7 });
      const one = (text: string) => ({
        model: "models/gemini-embedding-001",
        content: { parts: [{ text }] },
        outputDimensionality: 3,
      });
      expect(sent()).toEqual({
        path: "/v1beta/models/gemini-embedding-001:batchEmbedContents",
        body: { requests: [one("one"), one("two")] },
      });
    });

    test("one text, as numbers", async () => {
      const reply = await openai().embeddings.create({
        model: "gemini/gemini-embedding-001",
        input: "one",
        encoding_format: "float",
      });
      expect(reply.data).toEqual([{ object: "embedding", index: 0, embedding: VECTORS[0] as number[] }]);
      expect(reply.model).toBe("gemini/gemini-embedding-001");
    });
  });

  test("embedContent of one text on a compatible server", async () => {
    const body = { content: { parts: [{ text: "one" }] }, output_dimensionality: 3 };
    const reply = await ask("/v1beta/models/house/bge-m3:embedContent", body);
    expect(JSON.parse(reply.body.toString())).toMatchObject({ embedding: { values: VECTORS[0] } });
    expect(sent().body).toMatchObject({ input: ["one"], dimensions: 3 });
  });

  test("the ledger has the tokens and the cost", async () => {
    await ask("/v1/embeddings", { model: "gemini/gemini-embedding-001", input: "one" });
    const row = (await gateway.rows()).find(({ endpoint }) => endpoint === "embeddings");
    expect(row).toMatchObject({ outcome: "ok", input_tokens: 7, usage_state: "final" });
    expect(row).toHaveProperty("cost_nano_usd", 7_000);
  });

  for (const [what, path, body, place] of [
    ["tokens", "/v1/embeddings", { model: "gemini/g", input: [1, 2] }, "input"],
    ["lists of tokens", "/v1/embeddings", { model: "gemini/g", input: [[1], [2]] }, "input"],
    ["no text", "/v1/embeddings", { model: "gemini/g", input: [] }, "input"],
    [
      "a picture",
      "/v1beta/models/house/b:embedContent",
      { content: { parts: [{ inlineData: { mimeType: "image/png", data: "aGk=" } }] } },
      "content.parts[0]",
    ],
    [
      "two lengths in one batch",
      "/v1beta/models/house/b:batchEmbedContents",
      {
        requests: [
          { content: { parts: [{ text: "a" }] }, outputDimensionality: 3 },
          { content: { parts: [{ text: "b" }] }, outputDimensionality: 4 },
        ],
      },
      "requests[1].outputDimensionality",
    ],
    [
      "a loss under strict",
      "/v1beta/models/strict-one:embedContent",
      { content: { parts: [{ text: "a" }] }, taskType: "RETRIEVAL_QUERY" },
      "taskType",
    ],
    ["a model of Anthropic", "/v1/embeddings", { model: "anthropic/claude-sonnet-4-6", input: "a" }, "model"],
  ] as const) {
    test(`${what}: refused by name`, async () => {
      const before = upstream.seen.length;
      const reply = await ask(path, body);
      expect(reply.status).toBe(400);
      expect(reply.body.toString()).toContain(place);
      expect(upstream.seen.slice(before).filter((one) => one.body.length > 0)).toEqual([]);
    });
  }
});
