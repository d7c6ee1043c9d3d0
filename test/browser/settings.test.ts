import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import {
  type AdminUnderTest,
  axeFaults,
  NARROW,
  overflow,
  PASSWORD,
  startAdmin,
  type Window,
} from "./admin.ts";

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

test("two people who change the same value are told of one another, and lose nothing", async () => {
  const [first, second] = [await openSettings(), await openSettings()];
  for (const { go, page } of [first, second]) {
    await go("/settings?q=max_wait_s");
    await page.getByLabel("max_wait_s").waitFor();
  }
  await second.page.getByLabel("max_wait_s").fill("9");
  await first.page.getByLabel("max_wait_s").fill("8");
  await first.page.getByRole("button", { name: "Review…" }).click();
  await first.page.getByRole("button", { name: "Save" }).click();
  await first.page.getByText("The configuration was saved.").first().waitFor();
  await second.page.getByRole("button", { name: "Review…" }).click();
  const dialog = second.page.getByRole("dialog");
  // The second page stays as it was read, though it hears of the change: what both have changed is shown.
  await dialog.getByText("in the file now").waitFor();
  const clash = (await dialog.getByRole("definition").allTextContents()).map((value) => value.trim());
  expect(clash).toEqual(["0", "8", "9"]);
  expect(await axeFaults(second.page)).toEqual([]);
  expect(await dialog.getByRole("button", { name: "Save" }).isDisabled()).toBe(true);
  await dialog.getByRole("button", { name: "Read the file again, and keep my changes" }).click();
  await dialog.getByText("before: 8").waitFor();
  expect(fileText()).toContain("max_wait_s = 8");
  await dialog.getByRole("button", { name: "Save" }).click();
  await dialog.waitFor({ state: "detached" });
  expect(fileText()).toContain("max_wait_s = 9");
  await first.context.close();
  await second.context.close();
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

test("a model, an upstream and a credential are added, and an entry is removed and put back", async () => {
  const { page, go, faults, context } = await openSettings();
  const add = async (list: string, fields: Readonly<Record<string, string>>): Promise<void> => {
    await page.getByRole("button", { name: "Add an entry…" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("List", { exact: true }).selectOption({ label: list });
    for (const [label, typed] of Object.entries(fields)) {
      const field = dialog.getByLabel(label, { exact: true });
      if ((await field.evaluate(({ tagName }) => tagName)) === "SELECT") await field.selectOption(typed);
      else await field.fill(typed);
    }
    expect(await axeFaults(page)).toEqual([]);
    await dialog.getByRole("button", { name: "Add", exact: true }).click();
  };
  await go("/settings");
  await add("upstreams", {
    name: "local",
    family: "openai",
    "credentials.name": "main",
    "credentials.api_key": "sk-of-my-own-server",
  });
  await add("credentials · openai", { name: "third", api_key: "sk-number-three" });
  await add("models", { name: "quick", targets: "openai/gpt-5-mini\nlocal/small" });
  await page.getByRole("button", { name: "Review…" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText("models[quick]").first().waitFor();
  expect(await dialog.textContent()).not.toContain("sk-number-three");
  await dialog.getByRole("button", { name: "Save" }).click();
  await page.getByText("The configuration was saved.").first().waitFor();
  expect(fileText()).toContain('name = "quick"');
  expect(fileText()).toContain("sk-number-three");
  await page.getByLabel("Part").getByRole("button", { name: /third/ }).click();
  await page.getByRole("button", { name: "Remove" }).click();
  await page.getByText("goes away").waitFor();
  await page.getByRole("button", { name: "Put back" }).click();
  await page.getByRole("button", { name: "Remove" }).click();
  await page.getByRole("button", { name: "Review…" }).click();
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await page.getByRole("button", { name: /third/ }).waitFor({ state: "detached" });
  expect(fileText()).not.toContain("sk-number-three");
  expect(faults).toEqual([]);
  await context.close();
});

test("the ways to the upstreams are shown, and a look at everything says what is in order", async () => {
  for (const options of [{}, { viewport: NARROW, locale: "zh-CN" }]) {
    const window = await openSettings(options);
    const { page, faults, go, context } = window;
    const isChinese = "locale" in options;
    await go("/settings?view=network");
    await page
      .getByText(isChinese ? "可连接" : "Reachable")
      .first()
      .waitFor();
    await page.getByRole("button", { name: isChinese ? "全面检查" : "Look at everything" }).click();
    const findings = page.getByRole("list", { name: isChinese ? "检查结果" : "Findings" });
    await findings.getByText("openai/main").first().waitFor();
    expect(await axeFaults(page)).toEqual([]);
    expect(await overflow(page)).toBe(0);
    expect(faults).toEqual([]);
    await context.close();
  }
});

test("an export with secrets asks for the current password, and says when it is wrong", async () => {
  const { page, go, faults, context } = await openSettings();
  await go("/settings?view=transfer");
  const panel = page.locator("section.panel").filter({ has: page.getByRole("heading", { name: "Export" }) });
  await panel.getByLabel("Passphrase").fill("a long passphrase");
  const button = panel.getByRole("button", { name: "Export" });
  expect(await button.isDisabled()).toBe(true);
  await panel.getByLabel("Current password").fill("a guess");
  await button.click();
  await panel.getByText("the current password is wrong").waitFor();
  expect(await panel.getByLabel("Current password").getAttribute("aria-invalid")).toBe("true");
  expect(await axeFaults(page)).toEqual([]);
  await panel.getByLabel("Current password").fill(PASSWORD);
  const download = page.waitForEvent("download");
  await button.click();
  const text = readFileSync(await (await download).path(), "utf8");
  expect(text).toContain("scrypt");
  expect(text).not.toContain("sk-one");
  expect(faults).toEqual([]);
  await context.close();
});

test("the password is changed by who knows it, who stays, while all others have to sign in again", async () => {
  const [first, second] = [await openSettings(), await openSettings()];
  const { page } = first;
  await first.go("/settings?at=admin");
  await page.getByLabel("password", { exact: true }).fill("another long password");
  await page.getByRole("button", { name: "Review…" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText("admin.password").first().waitFor();
  const save = dialog.getByRole("button", { name: "Save" });
  expect(await save.isDisabled()).toBe(true);
  await dialog.getByLabel("Current password").fill("a guess");
  await save.click();
  await dialog.getByText("the current password is wrong").waitFor();
  expect(await axeFaults(page)).toEqual([]);
  await dialog.getByLabel("Current password").fill(PASSWORD);
  await save.click();
  await page.getByText("The configuration was saved.").first().waitFor();
  await first.go("/pool");
  await page.getByRole("heading", { name: "Pool", level: 1 }).waitFor();
  await page.getByRole("article", { name: "openai/spare" }).waitFor();
  await second.page.getByLabel("Admin password").waitFor();
  expect(fileText()).not.toContain("another long password");
  expect(first.faults).toEqual([]);
  await first.context.close();
  await second.context.close();
});
