// Every scripted provider failure as a client meets it.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Dialect, post, sample, startForTest } from "../fixtures/simulator-under-test.ts";
import type { Simulator } from "../server/simulator.ts";
import { nextPacificMidnightMs } from "./gemini.ts";
import { openaiDuration } from "./openai.ts";
import { SCENARIOS } from "./scenarios.ts";

let simulator: Simulator;
beforeAll(async () => {
  simulator = await startForTest();
});
afterAll(() => simulator.close());

function dialectOf(name: string): Dialect {
  const vendor = name.split("/")[0];
  return vendor === "anthropic" ? "anthropic-messages" : vendor === "gemini" ? "gemini" : "openai-chat";
}

const names = Object.keys(SCENARIOS);

test("there are rows for five kinds of provider", () => {
  const vendors = new Set(names.map((name) => name.split("/")[0]));
  expect([...vendors].sort()).toEqual(["anthropic", "compat", "gemini", "openai", "vertex"]);
});

describe.each(names)("%s", (name) => {
  const scenario = SCENARIOS[name];
  const dialect = dialectOf(name);

  test("is answered in the provider's envelope", async () => {
    const place = scenario?.place ?? "answer";
    // Only a request for a token meets it: vertex.test.ts.
    if (place === "token") return;
    const response = await post(simulator, sample(dialect, { fault: name, stream: place === "in-band" }));
    const text = await response.text();
    if (place === "headers") {
      expect(response.status).toBe(200);
      expect([...response.headers].some(([key, value]) => key.includes("remaining") && value === "0")).toBe(
        true,
      );
      return;
    }
    if (place === "in-band") {
      expect(response.status).toBe(200);
      expect(text.split("\n\n").at(-2)).toContain('"error"');
      return;
    }
    if (response.headers.get("content-type") !== "application/json") {
      expect(response.status).toBeGreaterThanOrEqual(400);
      return;
    }
    const body = JSON.parse(text) as Record<string, unknown>;
    // Compatible servers have envelopes of their own, each with words in one of these.
    const names = ["error", "detail", ...(name.startsWith("compat/") ? ["message", "msg", "base_resp"] : [])];
    expect(body).toSatisfy((value) => names.some((one) => one in value));
    if (dialect === "anthropic-messages") {
      expect(body).toMatchObject({ type: "error", request_id: response.headers.get("request-id") });
    }
    if (dialect === "gemini" || (name.startsWith("vertex/") && body.type !== "error")) {
      expect(body).toHaveProperty("error.code", response.status);
      expect(body).toHaveProperty("error.status", expect.any(String));
    }
  });

  test("says when to come back if it means a wait", async () => {
    if (scenario?.meaning !== "rate" && scenario?.meaning !== "quota") {
      return;
    }
    expect(scenario.resetS !== undefined || scenario.resetAtMs !== undefined).toBe(true);
    expect(scenario.scope).not.toBe("none");
  });
});

test("the key decides too: a scenario strikes by a key's suffix", async () => {
  const response = await post(
    simulator,
    sample("anthropic-messages", { key: "sk~anthropic/credit-too-low" }),
  );
  expect(response.status).toBe(400);
  expect(await response.text()).toContain("credit balance is too low");
});

test("resets are written as each provider writes them", () => {
  expect([0.02, 1, 59.5, 360].map(openaiDuration)).toEqual(["20ms", "1s", "59.5s", "6m0s"]);
  expect(new Date(nextPacificMidnightMs(Date.parse("2026-11-23T08:00:00Z"))).toISOString()).toBe(
    "2026-11-24T08:00:00.000Z",
  );
  expect(new Date(nextPacificMidnightMs(Date.parse("2026-07-01T08:30:00Z"))).toISOString()).toBe(
    "2026-07-02T07:00:00.000Z",
  );
});
