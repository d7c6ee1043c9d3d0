/**
 * The admin as a person has it: a gateway on simulated providers, and Debian's Chromium on its pages. Whatever a page
 * does that the policy of the pages forbids, and every exception in it, fails the test.
 */
import { join } from "node:path";
import AxeBuilder from "@axe-core/playwright";
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  type Cookie,
  chromium,
  type Page,
} from "playwright-core";
import { buildUi } from "../../script/build-ui.ts";
import { systemClock } from "../../src/core/clock.ts";
import { makeIds } from "../../src/core/ids.ts";
import { type Simulator, startSimulator } from "../../src/simulator/server/simulator.ts";
import { CLIENT_KEY, type Gateway, KEYS_TOML, startGateway, upstreamToml } from "../kit/gateway.ts";

export const PASSWORD = "a long enough password";
const ROOT = join(import.meta.dir, "../..");
/** Nothing that a page does takes so long, also on a busy machine. */
const HANG_MS = 60_000;

export const WIDE = { width: 1_600, height: 1_000 };
export const NARROW = { width: 360, height: 780 };

export interface AdminUnderTest {
  readonly gateway: Gateway;
  readonly browser: Browser;
  /** A window of its own, with the policy's violations and exceptions of its pages in `faults`. */
  /** `url`: the gateway's own address, or that of what passes its bytes on. */
  open(options?: BrowserContextOptions, url?: string): Promise<Window>;
  /** Sends one chat request as a client. */
  ask(model?: string): Promise<Response>;
  close(): Promise<void>;
}

export interface Window {
  readonly context: BrowserContext;
  readonly page: Page;
  readonly faults: readonly string[];
  /** Opens a page by its path below `/admin`. */
  go(path: string): Promise<void>;
  signIn(password?: string): Promise<void>;
}

/** Cookies of the first sign-in at each address: more of them in a minute than a person needs are refused. */
const sessions = new Map<string, readonly Cookie[]>();

export async function startAdmin(toml = "", fill?: (dataDir: string) => void): Promise<AdminUnderTest> {
  const install = Bun.spawnSync(["script/install-chromium"], {
    cwd: ROOT,
    stdout: "inherit",
    stderr: "inherit",
  });
  if (install.exitCode !== 0) throw new Error("Chromium is not there (reason above)");
  await buildUi();
  const simulator: Simulator = await startSimulator({
    host: "127.0.0.1",
    port: 0,
    clock: systemClock,
    ids: makeIds(),
  });
  const gateway = await startGateway({
    ...(fill === undefined ? {} : { fill }),
    toml: [
      `[admin]\npassword = "${PASSWORD}"\n`,
      KEYS_TOML,
      upstreamToml("openai", "openai", `${simulator.url}/v1`, {
        credentials: { main: "sk-one", spare: "sk-two" },
      }),
      upstreamToml("anthropic", "anthropic", simulator.url),
      toml,
    ].join("\n"),
  });
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    // Without it Chromium does not start as root, as in a container.
    args: process.getuid?.() === 0 ? ["--no-sandbox"] : [],
  });
  return {
    gateway,
    browser,
    open: (options = {}, url = gateway.url) => openWindow(browser, url, options),
    ask: (model = "gpt-5.5") =>
      fetch(`${gateway.url}/v1/chat/completions`, {
        method: "POST",
        headers: { authorization: `Bearer ${CLIENT_KEY}`, "content-type": "application/json" },
        body: JSON.stringify({ model, messages: [{ role: "user", content: "hello" }] }),
      }),
    async close() {
      await browser.close();
      await gateway.close();
      await simulator.close();
    },
  };
}

/** A browser whose person has left the first steps, so that the overview opens. */
const hasLeftGuide = (url: string): BrowserContextOptions["storageState"] => ({
  cookies: [],
  origins: [{ origin: url, localStorage: [{ name: "clewline.guide", value: "left" }] }],
});
/** A browser that was never here. */
export const NEWCOMER: BrowserContextOptions = { storageState: { cookies: [], origins: [] } };

async function openWindow(browser: Browser, url: string, options: BrowserContextOptions): Promise<Window> {
  const usual = { viewport: WIDE, locale: "en-US", storageState: hasLeftGuide(url) };
  const context = await browser.newContext({ ...usual, ...options });
  context.setDefaultTimeout(HANG_MS);
  const page = await context.newPage();
  const faults: string[] = [];
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("dialog", (dialog) => {
    faults.push(`a dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on("console", (message) => {
    if (/Content Security Policy|TrustedHTML|TrustedScript/i.test(message.text()))
      faults.push(message.text());
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(url) && !/^(data|blob):/.test(request.url()))
      faults.push(`a request to another place: ${request.url()}`);
  });
  const go = async (path: string): Promise<void> => {
    await page.goto(`${url}/admin${path}`);
  };
  return {
    context,
    page,
    faults,
    go,
    async signIn(password) {
      const known = password === undefined ? sessions.get(url) : undefined;
      if (known !== undefined) {
        await context.addCookies([...known]);
        await go("/");
        return;
      }
      await go("/");
      await page.locator("input[name=password]").fill(password ?? PASSWORD);
      await page.locator("button[type=submit]").click();
      if (password !== undefined) return;
      await page.locator("#page-title").waitFor();
      sessions.set(url, await context.cookies());
    },
  };
}

/** What axe finds against WCAG 2.2 A and AA, one line each. */
export async function axeFaults(page: Page): Promise<readonly string[]> {
  const { violations } = await new AxeBuilder({ page })
    .withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"])
    .analyze();
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${help}: ${html.slice(0, 160)} ${failureSummary ?? ""}`),
  );
}

/** By how many pixels a page is wider than its window. */
export function overflow(page: Page): Promise<number> {
  return page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    // The room that is kept for a scroll bar is no part of the page.
    return Math.max(0, scrollWidth - clientWidth);
  });
}
