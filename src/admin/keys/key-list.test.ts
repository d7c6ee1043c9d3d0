import { afterEach, beforeEach, expect, test } from "bun:test";
import { openStore } from "../../ledger/store-file.ts";
import { changeStoredKeys } from "../../store/client-keys.ts";
import { AdminUnderTest } from "../fixtures/admin-under-test.ts";

let under: AdminUnderTest;
let headers: Record<string, string>;
beforeEach(async () => {
  under = new AdminUnderTest();
  headers = await under.browser();
  const sql = openStore(under.dir);
  changeStoredKeys(sql, (table) => {
    for (let index = 0; index < 1_000; index++)
      table.save({
        name: `key-${String(index).padStart(3, "0")}`,
        keySha256: index.toString(16).padStart(64, "0"),
        prefix: "clew-",
        lastFour: "0000",
        settings: JSON.stringify({ concurrency: index + 1 }),
        createdMs: 1,
        revokedMs: index % 2 === 0 ? null : 2,
        pausedMs: null,
        old: null,
      });
  });
  sql.close();
});
afterEach(() => under.close());

const list = async (query: string): Promise<{ keys: { name: string }[]; total: number }> =>
  (await (await under.call(`keys?${query}`, { headers })).json()) as never;

test("a filter and a cursor give the keys page by page, and a change is there at once", async () => {
  expect(await list("limit=1&state=active&cursor=key-010")).toMatchObject({
    total: 500,
    next: "key-012",
    keys: [{ name: "key-012", state: "active", settings: { concurrency: 13 } }],
  });
  await under.call("keys/pause", { method: "POST", headers, body: { names: ["key-012"] } });
  expect(await list("state=paused")).toMatchObject({ total: 1, keys: [{ name: "key-012" }] });
  expect(await list("text=KEY-99&state=revoked")).toMatchObject({ total: 5 });
});

test("other work goes on while many keys are read", async () => {
  let turns = 0;
  const timer = setInterval(() => {
    turns += 1;
  });
  await list("limit=1");
  clearInterval(timer);
  expect(turns).toBeGreaterThan(0);
});
