import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import type { Page } from "playwright-core";
import { systemClock } from "../../src/core/clock.ts";
import { makeIds } from "../../src/core/ids.ts";
import { type Simulator, startSimulator } from "../../src/simulator/server/simulator.ts";
import { makeFolder } from "../kit/gateway.ts";
import {
  type AdminUnderTest,
  axeFaults,
  NARROW,
  NEWCOMER,
  overflow,
  startAdmin,
  type Window,
} from "./admin.ts";
import { type OnTerminal, startOnTerminal } from "./terminal.ts";

const MAX_CLICKS = 6;

let admin: AdminUnderTest;
let simulator: Simulator;
let folder: string;
let gateway: OnTerminal;
let window: Window;
let page: Page;
let clicks = 0;
let startedMs = 0;

beforeAll(async () => {
  // For its browser; the person's gateway is another one.
  admin = await startAdmin();
  simulator = await startSimulator({ clock: systemClock, ids: makeIds() });
});
afterAll(async () => {
  await simulator.close();
  await admin.close();
});
beforeEach(async () => {
  folder = makeFolder();
  startedMs = performance.now();
  window = await openLink();
  page = window.page;
});
afterEach(async () => {
  expect(window.faults).toEqual([]);
  await window.context.close();
  await gateway.end();
  rmSync(folder, { recursive: true, force: true });
});

/** Opens the link that a start on a terminal, in an empty folder, prints; counts the clicks of all that follows. */
async function openLink(): Promise<Window> {
  gateway = startOnTerminal(folder, ["--port", "0"]);
  const [, url = "", token = ""] = await gateway.shows(/admin\s+(http:\/\/[\d.:]+)\/admin\/#link=([\w-]+)/);
  const opened = await admin.open(NEWCOMER, url);
  clicks = 0;
  await opened.page.exposeFunction("countClick", () => {
    clicks += 1;
  });
  await opened.page.addInitScript(() =>
    // A click that the keyboard makes has no detail.
    addEventListener("click", ({ detail }) => detail > 0 && Reflect.get(globalThis, "countClick")(), true),
  );
  await opened.go(`/#link=${token}`);
  await opened.page.getByRole("heading", { name: "First steps", level: 1 }).waitFor();
  return opened;
}

const button = (name: string) => page.getByRole("button", { name, exact: true });
const way = (name: string) => page.getByRole("radio", { name });
const answer = () => page.getByRole("link", { name: "The request" }).last();

function tellClicks(what: string): void {
  const seconds = Math.round((performance.now() - startedMs) / 1_000);
  console.log(`${what}: ${clicks} clicks, ${seconds} s`);
}

test("from an empty folder to the first answer, without an account and without another terminal", async () => {
  expect(page.url()).not.toContain("link");
  expect(await axeFaults(page)).toEqual([]);
  expect(await button("Send").isDisabled()).toBe(true);
  await way("Without an account").click();
  expect(await axeFaults(page)).toEqual([]);
  await button("Use the simulator").click();
  await page.getByText("3 credentials are ready").waitFor();
  // The first start has printed a key, so none has to be made.
  await page.getByText("There is a key already: me.", { exact: false }).waitFor();
  await button("Make another key").click();
  await button("Create the key").click();
  const key = (await page.getByLabel("The new key").textContent()) ?? "";
  await button("Send").click();
  await answer().waitFor();
  await page.getByText(/Cost \$0\.0/).waitFor();
  tellClicks("first answer");
  expect(clicks).toBeGreaterThan(0);
  expect(clicks).toBeLessThanOrEqual(MAX_CLICKS);
  expect(await axeFaults(page)).toEqual([]);
  await answer().click();
  await page.getByRole("heading", { name: "Timeline" }).waitFor();
  await page.getByText("Good 200").waitFor();
  // What is asked for next is the overview, with the request in it.
  await page.getByRole("link", { name: "Overview" }).first().click();
  await page.getByRole("heading", { name: "Overview", level: 1 }).waitFor();
  // The snippet works as it stands, but for the shell.
  const url = new URL(page.url()).origin;
  const reply = await fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify({
      model: "simulated-openai/gpt-5.4",
      messages: [{ role: "user", content: "Hello" }],
    }),
  });
  expect(reply.status).toBe(200);
});

test("the same with the keyboard alone: each step begins where the one before ends", async () => {
  const isFocused = (name: string) =>
    page.waitForFunction((text) => document.activeElement?.textContent === text, name);
  await way("Without an account").press("Enter");
  await button("Use the simulator").press("Enter");
  await isFocused("Send");
  await button("Make another key").press("Enter");
  await page.waitForFunction(() => document.activeElement?.matches("input[data-first]"));
  await page.keyboard.press("Enter");
  await page.getByLabel("The new key").waitFor();
  await isFocused("Send");
  await page.keyboard.press("Enter");
  await answer().waitFor();
  expect(clicks).toBe(0);
});

test("keys are tested as they are added, each with a result that names its fault", async () => {
  await way("Another provider").click();
  await page.getByLabel("Name").first().fill("mine");
  await page.getByLabel("Base URL").fill(`${simulator.url}/v1`);
  await page.getByLabel("Secret").fill("sk-any-key-will-do");
  await button("Add").click();
  await page.getByText("It works").waitFor();
  expect(await axeFaults(page)).toEqual([]);
  await button("Add more").click();
  await way("Keys of a provider").click();
  await page
    .getByLabel("Secrets, one a line")
    .fill(
      ["sk-another-good-key-0001", "wrong = sk-a-wrong-key-000001~openai/invalid-key", "short"].join("\n"),
    );
  await page.getByLabel("Upstream").selectOption("mine");
  await page.getByLabel("Secrets, one a line").press("Control+Enter");
  const results = page.locator("form ul[aria-live] > li");
  await results.nth(2).waitFor();
  await results.nth(0).getByText("It works").waitFor();
  await results.nth(1).getByText("Status", { exact: false }).waitFor();
  expect(await results.nth(2).textContent()).toContain("too short to be one");
  // What is still to be mended stays.
  expect(await page.getByLabel("Secrets, one a line").inputValue()).toBe("short");
  expect(await axeFaults(page)).toEqual([]);
});

test("a key that does not tell its provider is taken along to where its provider is named", async () => {
  const secret = "sk-0123456789abcdef0123456789abcdef";
  await page.getByLabel("Secrets, one a line").fill(secret);
  await button("Add").click();
  await page.getByText("does not tell its provider", { exact: false }).waitFor();
  await button("Name its provider…").click();
  expect(await page.getByLabel("Secret").inputValue()).toBe(secret);
  await page.getByLabel("Name").first().fill("compatible");
  await page.getByLabel("Base URL").fill(`${simulator.url}/v1`);
  await button("Add").click();
  await page.getByText("It works").waitFor();
});

test("the guide is left for good, and found again where nothing was asked yet", async () => {
  await button("Skip").click();
  await page.getByRole("heading", { name: "Overview", level: 1 }).waitFor();
  await page.reload();
  await page.getByRole("heading", { name: "Overview", level: 1 }).waitFor();
  await page.getByRole("link", { name: "First steps" }).click();
  await page.getByRole("heading", { name: "First steps", level: 1 }).waitFor();
});

test("the guide suits the narrowest window in Chinese, light and dark", async () => {
  await page.setViewportSize(NARROW);
  await page.getByRole("button", { name: "Language", exact: false }).first().click();
  await page.getByRole("menuitem", { name: "简体中文" }).click();
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    await page.getByRole("heading", { name: "开始使用", level: 1 }).waitFor();
    expect(await overflow(page)).toBe(0);
    expect(await axeFaults(page)).toEqual([]);
  }
});

test("a server that is not there is told as such, where it is added and on the board", async () => {
  await way("Another provider").click();
  await page.getByLabel("Name").first().fill("mine");
  // A port of the system's own, where nobody listens.
  await page.getByLabel("Base URL").fill("http://127.0.0.1:9/v1");
  await button("Add").click();
  await page.getByText("the upstream cannot be reached", { exact: false }).waitFor();
  await page.getByText("The first step comes before this one.").waitFor();
  await page.getByRole("link", { name: "Pool" }).first().click();
  const card = page.getByRole("article");
  await card.getByText("Not reached").waitFor();
  await card.getByText("No connection to the upstream can be made.", { exact: false }).waitFor();
});
