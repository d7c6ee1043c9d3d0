// Pages with as much on them as a large gateway has. Counts decide; times are printed, for docs/admin.md.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { mkdirSync } from "node:fs";
import type { Page } from "playwright-core";
import { openStore } from "../../src/ledger/store-file.ts";
import { changeStoredKeys } from "../../src/store/client-keys.ts";
import { IS_FULL } from "../kit/gateway.ts";
import { type AdminUnderTest, startAdmin } from "./admin.ts";

const KEYS = 10_000;
const CREDENTIALS = 1_000;
const ROWS_A_SECOND = 200;
const SECONDS = IS_FULL ? 9 : 4;
/** What is in sight, and a little around it. */
const MAX_LINES = 80;
const MAX_ELEMENTS = 3_000;
const SLOWDOWN = 4;

const many = Array.from(
  { length: CREDENTIALS },
  (_, at) => `[[upstreams.credentials]]\nname = "c-${at}"\napi_key = "sk-number-${at}"`,
);
let admin: AdminUnderTest;
beforeAll(async () => {
  admin = await startAdmin(
    `[[upstreams]]\nname = "many"\nfamily = "openai"\nbase_url = "http://127.0.0.1:9/v1"\n${many.join("\n")}\n`,
    fillKeys,
  );
});
afterAll(() => admin.close());

function fillKeys(dataDir: string): void {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const sql = openStore(dataDir);
  changeStoredKeys(sql, (table) => {
    for (let at = 0; at < KEYS; at += 1) {
      const name = `key-${String(at).padStart(5, "0")}`;
      table.save({
        name,
        keySha256: createHash("sha256").update(name).digest("hex"),
        prefix: "clew-0000",
        lastFour: "0000",
        settings: at % 2 === 0 ? "{}" : '{"requests_per_minute": 60, "budget_usd_per_day": "5"}',
        createdMs: Date.now(),
        revokedMs: null,
        pausedMs: null,
        old: null,
      });
    }
  });
  sql.close();
}

const elements = (page: Page): Promise<number> => page.evaluate(() => document.querySelectorAll("*").length);

test("ten thousand keys: those in sight are on the page, and the last one is reached", async () => {
  const { page, faults, signIn, go, context } = await admin.open();
  await signIn();
  await page.locator("#page-title").waitFor();
  await go("/keys");
  // One key is in the file.
  await page.getByText("10,001 keys").waitFor();
  const box = page.getByRole("region", { name: "Keys" });
  const lines = box.getByRole("listitem");
  await lines.first().waitFor();
  const last = box.getByRole("link", { name: `key-0${KEYS - 1}` });
  let most = 0;
  while (!(await last.isVisible())) {
    const height = await box.evaluate((element) => {
      element.scrollTop = element.scrollHeight;
      return element.scrollHeight;
    });
    most = Math.max(most, await lines.count());
    await page.waitForFunction(
      ([before, name]) => {
        const list = document.querySelector("section[aria-label=Keys]");
        return (list?.scrollHeight ?? 0) > (before as number) || list?.textContent?.includes(name as string);
      },
      [height, `key-0${KEYS - 1}`] as const,
    );
  }
  console.log(`keys: at most ${most} lines and ${await elements(page)} elements on the page`);
  expect(most).toBeLessThan(MAX_LINES);
  expect(await elements(page)).toBeLessThan(MAX_ELEMENTS);
  await page.getByRole("searchbox").fill("key-04242");
  await box.getByRole("link", { name: "key-04242" }).waitFor();
  expect(await lines.count()).toBe(1);
  expect(faults).toEqual([]);
  await context.close();
});

test("two hundred rows a second: each is shown or counted, and the list is made anew at most once a frame", async () => {
  const { page, faults, signIn, go, context } = await admin.open();
  await signIn();
  await page.locator("#page-title").waitFor();
  await go("/requests");
  const list = page.getByRole("region", { name: "Requests" });
  await (await admin.ask("first-of-all")).arrayBuffer();
  await list.getByRole("listitem").first().waitFor();
  await page.evaluate(() => {
    const seen = { frames: 0, made: 0, late: 0, before: performance.now(), most: 0 };
    Reflect.set(globalThis, "seen", seen);
    const box = document.querySelector("section[aria-label=Requests]") as Element;
    let isMade = false;
    new MutationObserver(() => {
      seen.most = Math.max(seen.most, box.querySelectorAll("li").length);
      if (!isMade) seen.made += 1;
      isMade = true;
    }).observe(box, { childList: true, subtree: true });
    const frame = (now: number): void => {
      seen.frames += 1;
      isMade = false;
      // Two frames of a display of 60 a second.
      if (now - seen.before > 34) seen.late += 1;
      seen.before = now;
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  });
  const total = ROWS_A_SECOND * SECONDS;
  const startedMs = performance.now();
  const asked: Promise<unknown>[] = [];
  for (let at = 0; at < total; at += 1) {
    asked.push(admin.ask("no-such-model-of-anybody").then((reply) => reply.arrayBuffer()));
    const dueMs = startedMs + ((at + 1) * 1_000) / ROWS_A_SECOND;
    if (dueMs > performance.now()) await Bun.sleep(dueMs - performance.now());
  }
  await Promise.all(asked);
  const rate = total / ((performance.now() - startedMs) / 1_000);
  await (await admin.ask("last-of-all")).arrayBuffer();
  await list.getByText("last-of-all").first().waitFor();
  const seen = await page.evaluate(
    () => Reflect.get(globalThis, "seen") as Record<"frames" | "made" | "late" | "most", number>,
  );
  const height = await list.evaluate((element) => element.querySelector("ul")?.clientHeight ?? 0);
  const told = /(\d[\d,]*) were too many/.exec((await page.locator("main").textContent()) ?? "")?.[1] ?? "0";
  const left = Number(told.replaceAll(",", ""));
  console.log(
    `live: ${Math.round(rate)} rows/s, ${seen.frames} frames, ${seen.late} late, ${seen.made} lists, ${seen.most} lines, ${left} left out`,
  );
  expect(seen.made).toBeGreaterThan(0);
  expect(seen.made).toBeLessThanOrEqual(seen.frames);
  expect(seen.most).toBeLessThan(MAX_LINES);
  // A line is 36 px: all rows are in the list, though few of them are on the page.
  expect(Math.round(height / 36) + left).toBe(total + 2);
  expect(await elements(page)).toBeLessThan(MAX_ELEMENTS);
  expect(faults).toEqual([]);
  await context.close();
});

test("nothing moves while a page is built, on a processor that is four times slower", async () => {
  const { page, faults, signIn, go, context } = await admin.open();
  await signIn();
  await page.locator("#page-title").waitFor();
  await page.addInitScript(() => {
    const seen = { paintMs: 0, shift: 0, moved: "" };
    Reflect.set(globalThis, "painted", seen);
    new PerformanceObserver((list) => {
      for (const { startTime } of list.getEntries()) seen.paintMs = startTime;
    }).observe({ type: "largest-contentful-paint", buffered: true });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        const { value, hadRecentInput, sources } = entry as unknown as {
          value: number;
          hadRecentInput: boolean;
          sources: readonly { node: Element | null }[];
        };
        if (hadRecentInput) continue;
        seen.shift += value;
        seen.moved += sources.map(({ node }) => ` ${node?.nodeName}.${node?.className}`).join("");
      }
    }).observe({ type: "layout-shift", buffered: true });
  });
  const cdp = await context.newCDPSession(page);
  await cdp.send("Emulation.setCPUThrottlingRate", { rate: SLOWDOWN });
  const moved: string[] = [];
  for (const path of ["/", "/pool", "/requests", "/keys", "/models", "/playground", "/settings"]) {
    await go(path);
    await page.locator("#page-title").waitFor();
    await page.waitForFunction(() => document.querySelector(".animate-pulse") === null);
    await page.waitForTimeout(1_000);
    const painted = await page.evaluate(
      () => Reflect.get(globalThis, "painted") as { paintMs: number; shift: number; moved: string },
    );
    console.log(
      `${path}: largest paint ${Math.round(painted.paintMs)} ms on ${SLOWDOWN} × slowed CPU, layout shift ${painted.shift.toFixed(3)}`,
    );
    // Below a hundredth nobody sees it: a scroll bar, a figure that gets a digit more.
    if (painted.shift >= 0.01) moved.push(`${path}: ${painted.shift} ${painted.moved}`);
  }
  expect(moved).toEqual([]);
  expect(faults).toEqual([]);
  await context.close();
});
