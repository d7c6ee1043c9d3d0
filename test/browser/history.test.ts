// The history of a ledger that has more rows than one page of a search looks at.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { makeIds } from "../../src/core/ids.ts";
import { sampleRow } from "../../src/ledger/fixtures/row.ts";
import { EPOCH_MS, KEYS_A_MS, printId, RequestIds } from "../../src/ledger/request-ids.ts";
import type { LedgerRow } from "../../src/ledger/row.ts";
import { openStore } from "../../src/ledger/store-file.ts";
import { makeLedgerWriter } from "../../src/ledger/writer.ts";
import { type AdminUnderTest, axeFaults, startAdmin } from "./admin.ts";

/** Two pages of a search find nothing among them. */
const ROWS = 110_000;
const ROWS_A_COMMIT = 5_000;

let admin: AdminUnderTest;
beforeAll(async () => {
  admin = await startAdmin("", fillRows);
});
afterAll(() => admin.close());

/** The oldest row is of a key that no other one has. */
function fillRows(dataDir: string): void {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const sql = openStore(dataDir);
  const nowMs = Date.now();
  const writer = makeLedgerWriter(sql, new RequestIds(makeIds()), {
    nowMs: () => nowMs,
    monotonicMs: () => 0,
  });
  const number = String(sql.prepare("SELECT number FROM identity").get()?.number);
  let rows: LedgerRow[] = [];
  for (let at = 0; at < ROWS; at += 1) {
    const atMs = nowMs - (ROWS - at) * 100;
    const id = printId((atMs - EPOCH_MS) * KEYS_A_MS, number);
    rows.push(sampleRow({ id, atMs, key: at === 0 ? "needle" : "hay" }));
    if (rows.length < ROWS_A_COMMIT && at < ROWS - 1) continue;
    writer.write(rows, 0, rows.length, []);
    rows = [];
  }
  writer.close();
}

test("a text is searched through all of the ledger, page after page", async () => {
  const { page, faults, signIn, go, context } = await admin.open();
  await signIn();
  await page.locator("#page-title").waitFor();
  const asked: string[] = [];
  page.on("response", (reply) => {
    if (reply.url().includes("/admin/api/requests?")) asked.push(new URL(reply.url()).search);
  });
  await go("/requests?view=history");
  await page.getByLabel("Text").fill("needle");
  await page.getByRole("button", { name: "Search" }).click();
  await page.waitForURL(/text=needle/);
  await page.getByText("These are all.").waitFor();
  expect(await page.locator("a[href*='/admin/requests/']").count()).toBe(1);
  const pages = asked.filter((search) => search.includes("text=needle"));
  expect(pages.length).toBeGreaterThanOrEqual(3);
  expect(new Set(pages).size).toBe(pages.length);
  expect(await axeFaults(page)).toEqual([]);
  await page.getByLabel("Text").fill("nobody-has-this");
  await page.getByRole("button", { name: "Search" }).click();
  await page.getByText("No request matches").waitFor();
  expect(faults).toEqual([]);
  await context.close();
});

test("a search that is stopped says so, and goes on when it is told to", async () => {
  const { page, faults, signIn, go, context } = await admin.open();
  await signIn();
  await page.locator("#page-title").waitFor();
  // The second page waits until the person has stopped the search.
  let goOn = (): void => {};
  const isHeld = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  await page.route(/\/admin\/api\/requests\?.*cursor=/, async (route) => {
    await isHeld;
    await route.continue();
  });
  await go("/requests?view=history&text=needle");
  await page.getByText("Searching older requests…").waitFor();
  await page.getByRole("button", { name: "Stop" }).click();
  goOn();
  await page.getByText("Older requests were not searched.").waitFor();
  await page.getByRole("button", { name: "Go on" }).click();
  await page.getByText("These are all.").waitFor();
  expect(await page.locator("a[href*='/admin/requests/']").count()).toBe(1);
  expect(faults).toEqual([]);
  await context.close();
});
