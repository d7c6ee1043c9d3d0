// What the server does with every request, whatever its dialect.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { DIALECTS, post, reset, sample, seenBy, startForTest } from "../fixtures/simulator-under-test.ts";
import type { Simulator } from "./simulator.ts";

let simulator: Simulator;
beforeAll(async () => {
  simulator = await startForTest();
});
beforeEach(() => reset(simulator));
afterAll(() => simulator.close());

describe("the server", () => {
  test.each(DIALECTS)("records what was asked and what was answered: %s", async (dialect) => {
    const response = await post(simulator, sample(dialect, { stream: true }));
    const bytes = await response.bytes();
    const [seen] = await seenBy(simulator);
    expect(seen).toMatchObject({
      n: 1,
      method: "POST",
      keySuffix: "1234",
      aborted: false,
      closed: true,
      status: 200,
    });
    expect(seen?.replyBytes).toBe(bytes.length);
    expect(seen?.replySha256).toBe(new Bun.CryptoHasher("sha256").update(bytes).digest("hex"));
    expect(seen?.headers.map(([name]) => name.toLowerCase())).toContain("content-type");
    expect(await seenBy(simulator, 1)).toEqual([]);
  });

  test.each(DIALECTS)("asks for a key in the provider's words: %s", async (dialect) => {
    const { path, body } = sample(dialect);
    const headers = { "content-type": "application/json", "anthropic-version": "2023-06-01" };
    const response = await post(simulator, { path, headers, body });
    expect(response.status).toBe(dialect === "gemini" ? 403 : 401);
    expect(await response.json()).toHaveProperty("error.message");
  });

  test.each(DIALECTS)("refuses what is not JSON and what is too large: %s", async (dialect) => {
    const { path, headers } = sample(dialect);
    const broken = await fetch(simulator.url + path, { method: "POST", headers, body: "{" });
    expect(broken.status).toBe(400);
    const body = new Uint8Array(33 * 1024 * 1024).fill(32);
    const large = await fetch(simulator.url + path, { method: "POST", headers, body });
    expect(large.status).toBe(dialect === "gemini" ? 400 : 413);
  });

  test("reads compressed bodies", async () => {
    const { path, headers, body } = sample("openai-responses");
    const bytes = Bun.zstdCompressSync(JSON.stringify(body));
    const encoded = { ...headers, "content-encoding": "zstd" };
    const response = await fetch(simulator.url + path, { method: "POST", headers: encoded, body: bytes });
    expect(response.status).toBe(200);
  });

  test("answers an unknown path with the provider's 404", async () => {
    const response = await fetch(`${simulator.url}/v1/nothing`, { headers: { authorization: "Bearer k" } });
    expect(response.status).toBe(404);
    expect(await response.json()).toHaveProperty("error.message", "Invalid URL (GET /v1/nothing)");
  });

  test("shows the last bodies as they came, in process and over HTTP", async () => {
    const large = "x".repeat(100_000);
    for (const content of ["first", `${large} é`]) {
      await post(simulator, sample("openai-chat", { body: { messages: [{ role: "user", content }] } }));
    }
    const last = await fetch(`${simulator.url}/_simulator/last`);
    const bytes = new Uint8Array(await last.arrayBuffer());
    expect(bytes).toEqual(new Uint8Array(simulator.lastBody() ?? []));
    expect(JSON.parse(new TextDecoder().decode(bytes)).messages[0].content).toBe(`${large} é`);
    expect(await (await fetch(`${simulator.url}/_simulator/last?back=1`)).json()).toMatchObject({
      messages: [{ content: "first" }],
    });
    expect(simulator.requests().at(-1)?.path).toBe("/v1/chat/completions");
    expect((await fetch(`${simulator.url}/_simulator/last?back=5000`)).status).toBe(404);
  });

  test("shows its own page", async () => {
    const page = await (await fetch(`${simulator.url}/_simulator/`)).text();
    expect(page).toContain("anthropic/credit-too-low");
  });
});
