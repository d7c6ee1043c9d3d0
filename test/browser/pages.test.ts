import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "bun:test";
import { type AdminUnderTest, axeFaults, startAdmin, type Window } from "./admin.ts";

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
