/** Prices that change while the gateway runs. */

import { Database } from "bun:sqlite";
import { afterAll, beforeAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { builtInPrices } from "../../src/prices/price-files.ts";
import { askCell, translatedToml, UPSTREAMS } from "../flow/translated.ts";
import { type Gateway, startGateway, until } from "../kit/gateway.ts";
import { type RawUpstream, sendWhole, startRawUpstream } from "../kit/raw-upstream.ts";
import { CHAT } from "../kit/recordings.ts";

let upstream: RawUpstream;
let gateway: Gateway;

beforeAll(async () => {
  upstream = await startRawUpstream((arrived) => sendWhole(arrived, CHAT.whole));
  gateway = await startGateway({ toml: translatedToml(upstream.url) });
});
afterAll(async () => {
  await gateway?.close();
  await upstream?.close();
});

/** The cost of one more request of 21 and 34 tokens. */
async function costOfOne(): Promise<number | null> {
  const model = UPSTREAMS["openai-chat"].model;
  const reply = await askCell(gateway, { client: CHAT, model }, false);
  expect(reply.status).toBe(200);
  const database = new Database(join(gateway.folder, "data", "ledger.db"), { readonly: true });
  try {
    // A whole answer leaves when its row is committed.
    const row = database
      .query<{ cost_nano_usd: number | null }, []>(
        "SELECT cost_nano_usd FROM requests ORDER BY id DESC LIMIT 1",
      )
      .get();
    return row?.cost_nano_usd ?? null;
  } finally {
    database.close();
  }
}

test("a price that is added, changed and taken away counts from the next request on, and fills older rows", async () => {
  const price = (input: number): string =>
    `[[prices]]\nmodel = "qwen*"\ninput = ${input}\noutput = 3\nsince = "2020-01-01"\n`;
  expect(await costOfOne()).toBeNull();
  gateway.configure({ toml: translatedToml(upstream.url) + price(1) });
  await until("the price counts", async () => (await costOfOne()) !== null);
  expect(await costOfOne()).toBe(21 * 1000 + 34 * 3000);
  gateway.configure({ toml: translatedToml(upstream.url) + price(0.0005) });
  await until("the changed price counts", async () => (await costOfOne()) === 11 + 34 * 3000);

  const applied = await gateway.command("prices", "apply", "--since", "1h");
  expect(applied.exitCode).toBe(0);
  expect(applied.out).toMatch(/^[1-9]\d* rows got a cost/);
  expect((await gateway.rows()).every((row) => "cost_nano_usd" in row && row.cost_nano_usd !== null)).toBe(
    true,
  );

  gateway.configure({ toml: `${translatedToml(upstream.url)}${price(1).replace("qwen", "other")}` });
  await until("no price counts", async () => (await costOfOne()) === null);
}, 120_000);

test("a list that is put into the data folder is taken over, and a spoiled one is not", async () => {
  const file = join(gateway.folder, "new.json");
  writeFileSync(file, JSON.stringify({ ...(await builtInPrices()), version: "2999-01-01" }));
  const updated = await gateway.command("prices", "update", "--from", file);
  expect([updated.exitCode, updated.err]).toEqual([0, ""]);
  await until("the list is taken over", () => gateway.log().includes('"version":"2999-01-01"'));
  writeFileSync(join(gateway.folder, "data", "prices.json"), "{");
  await until("the spoiled list is told", () => gateway.log().includes("the prices of 2999-01-01 hold"));
  expect(await costOfOne()).toBeNull();
}, 120_000);
