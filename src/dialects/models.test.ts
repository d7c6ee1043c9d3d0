/** Model lists as the official SDKs read them. */
import { describe, expect, test } from "bun:test";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import Anthropic from "@anthropic-ai/sdk";
import { GoogleGenAI } from "@google/genai";
import OpenAI from "openai";
import type { DialectName, ModelEntry } from "./dialect.ts";
import { DIALECTS } from "./index.ts";

const MODELS: readonly ModelEntry[] = [
  { id: "anthropic/claude-opus-5", ownedBy: "anthropic", createdAtS: 1764000000 },
  { id: "fast", ownedBy: "clewline", createdAtS: 0 },
  { id: "gemini/gemini-3-flash", ownedBy: "gemini", createdAtS: Number.NaN },
  { id: "x", ownedBy: "x", createdAtS: 1e300 },
  { id: "y", ownedBy: "x", createdAtS: -5 },
];
const IDS = MODELS.map((model) => model.id);

/** A server that pages as a router would, by the dialect's own parameters. */
async function withModels<T>(dialect: DialectName, use: (baseUrl: string) => Promise<T>): Promise<T> {
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://x");
    const { renderModel, renderModels } = DIALECTS[dialect];
    const limit = url.searchParams.get("limit") ?? url.searchParams.get("pageSize");
    const after = url.searchParams.get("after_id") ?? url.searchParams.get("pageToken") ?? undefined;
    const id = decodeURIComponent(url.pathname.replace(/^.*\/models\/?/, ""));
    const model = MODELS.find((entry) => entry.id === id);
    response.setHeader("content-type", "application/json");
    response.end(
      model === undefined
        ? renderModels(MODELS, limit === null ? undefined : Number(limit), after)
        : renderModel(model),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    return await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

describe.each(["openai-chat", "openai-responses"] as const)("%s", (dialect) => {
  test("the OpenAI SDK lists and retrieves", async () => {
    await withModels(dialect, async (baseURL) => {
      const client = new OpenAI({ apiKey: "k", baseURL, maxRetries: 0 });
      const seen: OpenAI.Model[] = [];
      for await (const model of client.models.list()) seen.push(model);
      expect(seen.map((model) => model.id)).toEqual(IDS);
      expect(seen[0]).toEqual({
        id: IDS[0] as string,
        object: "model",
        created: 1764000000,
        owned_by: "anthropic",
      });
      expect((await client.models.retrieve("anthropic/claude-opus-5")).owned_by).toBe("anthropic");
    });
  });
});

describe("anthropic-messages", () => {
  test("the Anthropic SDK pages through all, and retrieves", async () => {
    await withModels("anthropic-messages", async (baseURL) => {
      const client = new Anthropic({ apiKey: "k", baseURL, maxRetries: 0 });
      for (const limit of [1, 2, 5, 1000]) {
        const seen: string[] = [];
        for await (const model of client.models.list({ limit })) seen.push(model.id);
        expect(seen).toEqual(IDS);
      }
      expect(await client.models.retrieve("fast")).toMatchObject({
        type: "model",
        id: "fast",
        display_name: "fast",
      });
    });
  });

  test("times are RFC 3339, whatever an upstream said", () => {
    const { data } = JSON.parse(DIALECTS["anthropic-messages"].renderModels(MODELS));
    expect(data[0].created_at).toBe("2025-11-24T16:00:00Z");
    expect(data[1].created_at).toBe("1970-01-01T00:00:00Z");
    for (const model of data) expect(Number.isNaN(Date.parse(model.created_at))).toBe(false);
  });
});

describe("gemini", () => {
  test("the Google SDK pages through all, and retrieves", async () => {
    await withModels("gemini", async (baseUrl) => {
      const client = new GoogleGenAI({ apiKey: "k", httpOptions: { baseUrl } });
      for (const pageSize of [2, 1000]) {
        const seen: (string | undefined)[] = [];
        for await (const model of await client.models.list({ config: { pageSize } })) seen.push(model.name);
        expect(seen).toEqual(IDS.map((id) => `models/${id}`));
      }
      expect((await client.models.get({ model: "fast" })).displayName).toBe("fast");
    });
  });
});

test.each(Object.keys(DIALECTS) as DialectName[])("%s: an empty list is one", (dialect) => {
  const body = JSON.parse(DIALECTS[dialect].renderModels([]));
  expect(body.data ?? body.models).toEqual([]);
});
