import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { type AdminUnderTest, axeFaults, NARROW, overflow, startAdmin, type Window } from "./admin.ts";

let admin: AdminUnderTest;
beforeAll(async () => {
  admin = await startAdmin();
});
afterAll(() => admin.close());

async function openSettings(options = {}): Promise<Window> {
  const window = await admin.open(options);
  await window.signIn();
  await window.page.locator("#page-title").waitFor();
  return window;
}

const fileText = (): string => readFileSync(admin.gateway.configFile, "utf8");

test("a change is shown before it is saved, stands in the file and in the record, and is taken back", async () => {
  const window = await openSettings();
  const { page, faults, go, context } = window;
  await go("/settings?q=max_wait_s");
  const field = page.getByLabel("max_wait_s");
  await field.fill("never");
  await page.getByRole("button", { name: "Review…" }).click();
  await page.getByRole("dialog").getByRole("alert").first().waitFor();
  expect(await page.getByRole("button", { name: "Save" }).isDisabled()).toBe(true);
  expect(await axeFaults(page)).toEqual([]);
  await page.getByRole("button", { name: "Back" }).click();
  await field.fill("7");
  await page.getByRole("button", { name: "Review…" }).click();
  await page.getByRole("dialog").getByText("pool.max_wait_s").first().waitFor();
  expect(fileText()).toContain("max_wait_s = 0");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("The configuration was saved.").first().waitFor();
  expect(fileText()).toContain("max_wait_s = 7");
  await go("/settings?view=changes");
  await page.getByText("pool.max_wait_s").first().waitFor();
  expect(await axeFaults(page)).toEqual([]);
  await page.getByRole("button", { name: "Undo" }).first().click();
  await page.getByText("The change was undone.").first().waitFor();
  expect(fileText()).toContain("max_wait_s = 0");
  expect(faults).toEqual([]);
  await context.close();
});

test("no secret of the file is on any settings page", async () => {
  const { page, go, context } = await openSettings();
  for (const path of [
    "/settings?at=admin",
    "/settings?q=api_key",
    "/settings?q=password",
    "/settings?view=changes",
  ]) {
    await go(path);
    await page.locator("#page-title").waitFor();
    await page.waitForTimeout(500);
    const text = await page.content();
    for (const secret of ["sk-one", "sk-two", "a long enough password", "$argon2"])
      expect([path, text.includes(secret)]).toEqual([path, false]);
  }
  await context.close();
});

test("the settings suit the narrowest window, and axe finds nothing", async () => {
  const { page, go, faults, context } = await openSettings({
    viewport: NARROW,
    locale: "zh-CN",
    colorScheme: "dark",
  });
  for (const path of ["/settings", "/settings?view=changes", "/settings?view=transfer"]) {
    await go(path);
    await page.locator("#page-title").waitFor();
    await page.waitForTimeout(500);
    expect([path, await overflow(page)]).toEqual([path, 0]);
    expect([path, ...(await axeFaults(page))]).toEqual([path]);
  }
  expect(faults).toEqual([]);
  await context.close();
});
