import { afterEach, beforeEach, expect, test } from "bun:test";
import type { OwnRequest } from "./context.ts";
import { AdminUnderTest } from "./fixtures/admin-under-test.ts";

/** Its configuration has no `[[models]]`. */
let base: AdminUnderTest;
let under: AdminUnderTest;
beforeEach(() => {
  base = new AdminUnderTest();
});
afterEach(() => {
  under.close();
  base.close();
});

/** The model that a test of the credential asks for, and its status. */
async function testWith(listed: readonly string[], priced: readonly string[]) {
  const asked: unknown[] = [];
  const snapshot = base.context.snapshot();
  under = new AdminUnderTest({
    snapshot: () => ({ ...snapshot, config: { ...snapshot.config, models: [] } }),
    listedModels: () => Promise.resolve(listed),
    pricedModels: () => priced,
    priceOf: (_, model) => ({
      ...{ input: 1, cacheRead: null, cacheWrite: null, version: "1" },
      output: model.includes("cheap") ? 1 : 5,
    }),
    send: (_client, { body }: OwnRequest) => {
      asked.push(body.model);
      return Promise.resolve(Response.json({ error: { message: "no such key" } }, { status: 401 }));
    },
  });
  const headers = await under.browser();
  const reply = await under.call("credentials/up/main/test", { method: "POST", headers, body: {} });
  return { status: reply.status, asked, text: await reply.text() };
}

test("a credential is tested with the cheapest model that its upstream lists", async () => {
  const { asked } = await testWith(["up/dear", "up/cheap", "other/cheapest"], ["cheap-of-the-list"]);
  expect(asked).toEqual(["up/cheap"]);
});

test("a wrong key, which gets no list, is told by the provider's refusal of a model in the price list", async () => {
  const { status, asked, text } = await testWith([], ["dear", "cheap-of-the-list"]);
  expect(asked).toEqual(["up/cheap-of-the-list"]);
  expect([status, JSON.parse(text).isGood, JSON.parse(text).status]).toEqual([200, false, 401]);
});

test("where nobody knows a model, a person names one", async () => {
  const { status, asked, text } = await testWith([], []);
  expect([status, asked, JSON.parse(text).error.path]).toEqual([400, [], "model"]);
});
