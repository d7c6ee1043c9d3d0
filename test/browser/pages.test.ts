import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "bun:test";
import { type AdminUnderTest, axeFaults, NARROW, overflow, startAdmin, type Window } from "./admin.ts";
import { cuttableLine } from "./cuttable-line.ts";

const HOSTILE = `<img src=x onerror="alert(1)">{{7*7}}"'><script>alert(2)</script>`;

let admin: AdminUnderTest;
let window: Window;
beforeAll(async () => {
  admin = await startAdmin();
  for (const model of ["gpt-5.5", "claude-sonnet-5", HOSTILE]) await (await admin.ask(model)).arrayBuffer();
});
afterAll(() => admin.close());
beforeEach(async () => {
  window = await admin.open();
  await window.signIn();
  await window.page.locator("#page-title").waitFor();
});
afterEach(async () => {
  expect(window.faults).toEqual([]);
  await window.context.close();
});

test("the overview has the figures of what was asked, and keeps its range and metric in the address", async () => {
  const { page } = window;
  const figure = page.locator("dl > div", { hasText: "Requests" }).locator("dd").first();
  await figure.waitFor();
  expect(await figure.textContent()).toBe("3");
  await page.getByRole("radio", { name: "7 days" }).click();
  await page.getByRole("radio", { name: "Tokens" }).click();
  await page.getByLabel("Split the chart").selectOption("model");
  await page.waitForURL(/range=7d/);
  expect(page.url()).toContain("metric=tokens");
  expect(page.url()).toContain("by=model");
  await page.reload();
  await page.getByRole("radio", { name: "Tokens", checked: true }).waitFor();
  await page.locator("canvas").waitFor();
  await page.getByText("Show as a table").click();
  expect(await axeFaults(page)).toEqual([]);
});

test("a request appears in the live tail by itself, and its page has its timeline and its bill", async () => {
  const { page, go } = window;
  await go("/requests");
  await page
    .getByRole("link", { name: /gpt-5\.5/ })
    .first()
    .waitFor();
  const rows = (): Promise<number> => page.getByRole("link", { name: /gpt-5\.4/ }).count();
  expect(await rows()).toBe(0);
  await (await admin.ask("gpt-5.4")).arrayBuffer();
  await page
    .getByRole("link", { name: /gpt-5\.4/ })
    .first()
    .waitFor();
  await page.getByRole("searchbox").fill("sonnet");
  await page
    .getByRole("link", { name: /gpt-5\.4/ })
    .first()
    .waitFor({ state: "detached" });
  await page
    .getByRole("link", { name: /sonnet/ })
    .first()
    .click();
  await page.getByRole("heading", { name: "Timeline" }).waitFor();
  await page.getByText("Sum", { exact: true }).waitFor();
  expect(await axeFaults(page)).toEqual([]);
  await page.getByRole("button", { name: "Back" }).click();
  await page.getByRole("searchbox").waitFor();
  expect(await page.getByRole("searchbox").inputValue()).toBe("sonnet");
});

test("the history is searched by its filters, which are in the address", async () => {
  const { page, go } = window;
  await go("/requests?view=history");
  await page.getByLabel("Model").fill("claude-sonnet-5");
  await page.getByRole("button", { name: "Search" }).click();
  await page.waitForURL(/model=claude-sonnet-5/);
  await page.getByText("These are all.").waitFor();
  expect(await page.locator("a[href*='/admin/requests/']").count()).toBe(1);
  await page.getByLabel("Model").fill("nobody-has-this");
  await page.getByRole("button", { name: "Search" }).click();
  await page.getByText("No request matches").waitFor();
  expect(await axeFaults(page)).toEqual([]);
});

test("a credential is paused and put back, and the board shows it at once", async () => {
  const { page, go } = window;
  await go("/pool");
  const card = page.getByRole("article", { name: "openai/spare" });
  await card.getByText("Ready", { exact: true }).waitFor();
  const act = async (name: string): Promise<void> => {
    await card.getByRole("button", { name: "Actions for openai/spare" }).click();
    await page.getByRole("menuitem", { name }).click();
  };
  await act("Pause");
  await card.getByText("Paused", { exact: true }).waitFor();
  expect(await axeFaults(page)).toEqual([]);
  await act("Enable");
  await card.getByText("Ready", { exact: true }).waitFor();
});

test("what one window does, another one shows without being loaded again", async () => {
  const { page, go } = window;
  await go("/pool");
  const other = await admin.open();
  await other.signIn();
  await other.page.locator("#page-title").waitFor();
  await other.go("/pool");
  const seen = other.page.getByRole("article", { name: "openai/spare" });
  await seen.getByText("Ready", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Actions for openai/spare" }).click();
  await page.getByRole("menuitem", { name: "Pause" }).click();
  await seen.getByText("Paused", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Actions for openai/spare" }).click();
  await page.getByRole("menuitem", { name: "Enable" }).click();
  await seen.getByText("Ready", { exact: true }).waitFor();
  await other.context.close();
});

test("a credential is tested with a prompt of one's own", async () => {
  const { page, go } = window;
  await go("/pool");
  await page.getByRole("button", { name: "Actions for openai/main" }).click();
  await page.getByRole("menuitem", { name: "Test…" }).click();
  await page.getByLabel("Prompt").fill("Say hello");
  expect(await axeFaults(page)).toEqual([]);
  await page.getByRole("button", { name: "Send" }).click();
  await page.getByText("It works").waitFor();
});

test("a key is made, shown once, limited, paused and revoked", async () => {
  const { page, go } = window;
  await go("/keys?new=1");
  await page.getByLabel("Name").fill("laptop");
  expect(await axeFaults(page)).toEqual([]);
  await page.getByRole("button", { name: "Create", exact: true }).click();
  const key = (await page.getByLabel("The new key").textContent()) ?? "";
  expect(key).toMatch(/^clew-/);
  await page.getByText(admin.gateway.url, { exact: false }).first().waitFor();
  expect(await axeFaults(page)).toEqual([]);
  const models = (): Promise<Response> =>
    fetch(`${admin.gateway.url}/v1/models`, { headers: { authorization: `Bearer ${key}` } });
  expect((await models()).status).toBe(200);
  await page.getByRole("button", { name: "I have stored it" }).click();
  await page.getByRole("link", { name: "laptop" }).click();
  await page.getByLabel("Requests a minute").fill("many");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("alert").first().waitFor();
  await page.getByLabel("Requests a minute").fill("7");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("The key was changed.").first().waitFor();
  expect(await page.content()).not.toContain(key);
  await page.getByRole("button", { name: "Pause" }).click();
  await page.getByText("Paused", { exact: true }).first().waitFor();
  // A change in the data folder is seen within a second.
  while ((await models()).status === 200) await Bun.sleep(100);
  await page.getByRole("button", { name: "Revoke…" }).click();
  await page.getByRole("button", { name: "Revoke", exact: true }).click();
  await page.getByRole("heading", { name: "Keys", level: 1 }).waitFor();
  await page.getByRole("listitem").filter({ hasText: "laptop" }).getByText("Revoked").waitFor();
});

test("the models that can be asked for are found by name", async () => {
  const { page, go } = window;
  await go("/models");
  await page.getByRole("searchbox").fill("gpt-5.4");
  await page
    .getByRole("article", { name: /gpt-5\.4/ })
    .first()
    .waitFor();
  expect(await axeFaults(page)).toEqual([]);
});

test("the playground streams an answer, with its cost and its row", async () => {
  const { page, go } = window;
  await go("/playground?a=gpt-5.5");
  await page.getByLabel("Message").fill("Hello there");
  await page.keyboard.press("Enter");
  const link = page.getByRole("link", { name: "The request" });
  await link.waitFor();
  expect(await axeFaults(page)).toEqual([]);
  await link.click();
  await page.getByRole("heading", { name: "Timeline" }).waitFor();
});

test("a name that is markup is shown as text", async () => {
  const { page, go } = window;
  await go("/requests?view=history");
  await page.getByText(HOSTILE).first().waitFor();
  await page.getByRole("link").filter({ hasText: HOSTILE }).first().click();
  await page.getByText(HOSTILE).first().waitFor();
  expect(await page.locator("img").count()).toBe(0);
});

test("a lost connection is told, and comes back by itself", async () => {
  const line = await cuttableLine(admin.gateway.port);
  const { page, context, go, signIn, faults } = await admin.open({}, line.url);
  await signIn();
  await page.locator("#page-title").waitFor();
  await go("/pool");
  const card = page.getByRole("article", { name: "openai/spare" });
  await card.getByText("Ready", { exact: true }).waitFor();
  const told = page.getByText("The connection to the gateway is lost.", { exact: false });
  line.cut();
  await told.waitFor();
  expect(await axeFaults(page)).toEqual([]);
  // What happens meanwhile is shown once the line is there again.
  await window.go("/pool");
  const act = async (name: string): Promise<void> => {
    await window.page.getByRole("button", { name: "Actions for openai/spare" }).click();
    await window.page.getByRole("menuitem", { name }).click();
  };
  await act("Pause");
  line.mend();
  await told.waitFor({ state: "detached" });
  await card.getByText("Paused", { exact: true }).waitFor();
  await act("Enable");
  await card.getByText("Ready", { exact: true }).waitFor();
  expect(faults).toEqual([]);
  await context.close();
  line.close();
});

test("a session that is ended elsewhere leads to the sign-in page", async () => {
  const { page, go, context } = window;
  await context.clearCookies();
  await go("/keys");
  await page.getByLabel("Admin password").waitFor();
});

test("every page suits the narrowest window in both colours and languages, and axe finds nothing", async () => {
  for (const [colorScheme, locale] of [
    ["light", "zh-CN"],
    ["dark", "en-US"],
  ] as const) {
    const narrow = await admin.open({ viewport: NARROW, colorScheme, locale });
    await narrow.signIn();
    await narrow.page.locator("#page-title").waitFor();
    for (const path of [
      "/",
      "/pool",
      "/requests",
      "/requests?view=history",
      "/keys",
      "/models",
      "/playground",
    ]) {
      await narrow.go(path);
      await narrow.page.locator("#page-title").waitFor();
      // Figures come after the head of the page.
      await narrow.page.waitForTimeout(600);
      expect([path, await overflow(narrow.page)]).toEqual([path, 0]);
      expect([path, ...(await axeFaults(narrow.page))]).toEqual([path]);
    }
    expect(narrow.faults).toEqual([]);
    await narrow.context.close();
  }
});
