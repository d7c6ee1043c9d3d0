/**
 * Makes a picture of every page of the admin: wide and narrow, light and dark, in both languages, from simulated
 * providers. `script/screenshots [FOLDER] [PART]`; the folder is dist/screenshots when none is named, and PART is in the
 * names of the wanted pictures, such as `dark-en`.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { NARROW, startAdmin, WIDE, type Window } from "../test/browser/admin.ts";
import { fillLedger } from "./past-traffic.ts";

const FOLDER = process.argv[2] ?? join(import.meta.dir, "../dist/screenshots");
const PART = process.argv[3] ?? "";
const REQUESTS = 40;
const LAPTOP_KEY = "clw-laptop-0123456789abcdef";
/** A limited key whose requests are captured, and a model with two targets, so that the pages have something to show. */
const MORE_TOML = `
[[keys]]
name = "laptop"
key = "${LAPTOP_KEY}"
requests_per_minute = 60
budget_usd_per_day = "5"
capture = true

[capture]
enabled = true

[[prices]]
model = "gpt-5*"
input = 2.5
output = 15.0

[[prices]]
model = "claude-*"
input = 3.0
output = 15.0

[[models]]
name = "fast"
targets = ["openai/gpt-5-mini", "anthropic/claude-haiku-4-5"]
`;
/** For charts, and for what moves into its place. */
const SETTLE_MS = 500;

interface Shot {
  readonly name: string;
  readonly path: string;
  /** What is done on the page before its picture is made. */
  readonly act?: (window: Window) => Promise<void>;
}

/** The requests of the key that is captured, the newest first. */
const CAPTURED = "/requests?view=history&key=laptop";

async function openCaptured({ page }: Window): Promise<void> {
  await page.locator("a[href*='/admin/requests/']").first().click();
  await page.locator("pre").first().scrollIntoViewIfNeeded();
}

const SHOTS: readonly Shot[] = [
  { name: "first-steps", path: "/start" },
  { name: "overview", path: "/" },
  { name: "overview-tokens", path: "/?metric=tokens" },
  { name: "overview-by-model", path: "/?metric=requests&by=model" },
  { name: "pool", path: "/pool" },
  { name: "pool-add", path: "/pool?add=1" },
  { name: "requests", path: "/requests" },
  { name: "history", path: "/requests?view=history" },
  {
    name: "request",
    path: "/requests?view=history",
    act: async ({ page }) => {
      await page.locator("a[href*='/admin/requests/']").first().click();
    },
  },
  { name: "captured", path: CAPTURED, act: openCaptured },
  {
    name: "replay",
    path: CAPTURED,
    act: async (window) => {
      await openCaptured(window);
      await window.page.locator("a[href*='replay=']").click();
      await window.page.locator("textarea").waitFor();
    },
  },
  { name: "keys", path: "/keys" },
  { name: "keys-create", path: "/keys?new=1" },
  { name: "key", path: "/keys/tester" },
  { name: "models", path: "/models" },
  { name: "playground", path: "/playground?a=gpt-5.4&two=1&b=claude-sonnet-5&db=anthropic-messages" },
  { name: "settings", path: "/settings?at=pool" },
  { name: "settings-upstream", path: "/settings?at=upstreams%5B0%5D" },
  {
    name: "settings-add",
    path: "/settings",
    act: ({ page }) =>
      page.getByRole("button", { name: /…$/ }).and(page.locator("main button")).last().click(),
  },
  { name: "changes", path: "/settings?view=changes" },
  { name: "transfer", path: "/settings?view=transfer" },
  { name: "palette", path: "/pool", act: ({ page }) => page.keyboard.press("Control+k") },
  { name: "shortcuts", path: "/pool", act: ({ page }) => page.keyboard.press("?") },
];

/** Until nothing is being read any more. */
async function settle(page: Page): Promise<void> {
  await page.waitForFunction(() => document.querySelector(".animate-pulse") === null);
  await page.waitForTimeout(SETTLE_MS);
}

async function askCaptured(url: string): Promise<void> {
  const messages = [
    { role: "system", content: "Answer in one sentence." },
    { role: "user", content: "What is a clew?" },
  ];
  const reply = await fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${LAPTOP_KEY}`, "content-type": "application/json" },
    body: JSON.stringify({ model: "claude-sonnet-5", stream: true, temperature: 0.2, messages }),
  });
  await reply.arrayBuffer();
}

async function main(): Promise<void> {
  mkdirSync(FOLDER, { recursive: true });
  const admin = await startAdmin(MORE_TOML, fillLedger);
  try {
    const models = ["gpt-5.4", "claude-sonnet-5", "gpt-5-mini", "fast", "no-such-model"];
    for (let at = 0; at < REQUESTS; at += 1)
      await (await admin.ask(models[at % models.length])).arrayBuffer();
    await askCaptured(admin.gateway.url);
    for (const [size, viewport] of [
      ["wide", WIDE],
      ["narrow", NARROW],
    ] as const)
      for (const colorScheme of ["light", "dark"] as const)
        for (const locale of ["en", "zh-CN"] as const) {
          const suffix = `${size}-${colorScheme}-${locale}`;
          if (!suffix.includes(PART)) continue;
          const window = await admin.open({ viewport, colorScheme, locale });
          const { page } = window;
          await window.go("/");
          await page.locator("input[name=password]").waitFor();
          await page.screenshot({ path: join(FOLDER, `sign-in-${suffix}.png`) });
          await window.signIn();
          await page.locator("#page-title").waitFor();
          for (const { name, path, act } of SHOTS) {
            await window.go(path);
            await page.locator("#page-title").waitFor();
            await settle(page);
            await act?.(window);
            if (act !== undefined) await settle(page);
            await page.screenshot({ path: join(FOLDER, `${name}-${suffix}.png`) });
          }
          for (const fault of window.faults) console.log(`${suffix}: ${fault}`);
          await window.context.close();
        }
    console.log(`the pictures are in ${FOLDER}`);
  } finally {
    await admin.close();
  }
}

await main();
