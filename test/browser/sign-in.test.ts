import { afterAll, beforeAll, expect, test } from "bun:test";
import { type AdminUnderTest, axeFaults, NARROW, overflow, PASSWORD, startAdmin, WIDE } from "./admin.ts";

let admin: AdminUnderTest;
beforeAll(async () => {
  admin = await startAdmin();
});
afterAll(() => admin.close());

test("the password opens the pages, and signing out closes them", async () => {
  const { page, faults, signIn, context } = await admin.open();
  await signIn(PASSWORD);
  await page.getByRole("heading", { name: "Overview", level: 1 }).waitFor();
  const [cookie] = await context.cookies();
  expect(cookie).toMatchObject({ name: "clewline_admin", httpOnly: true, sameSite: "Strict" });
  expect(await page.evaluate(() => document.cookie)).toBe("");
  await page.getByRole("button", { name: "Sign out" }).first().click();
  await page.getByLabel("Admin password").waitFor();
  await page.reload();
  await page.getByLabel("Admin password").waitFor();
  expect(faults).toEqual([]);
  await context.close();
});

test("the palette ends the sessions of all browsers", async () => {
  const { page, faults, signIn, context } = await admin.open();
  await signIn(PASSWORD);
  await page.getByRole("heading", { name: "Overview", level: 1 }).waitFor();
  const other = await admin.open();
  await other.context.addCookies(await context.cookies());
  await page.keyboard.press("Control+k");
  await page.getByPlaceholder("A page, a key, a credential…").fill("everywhere");
  await page.keyboard.press("Enter");
  await page.getByLabel("Admin password").waitFor();
  await other.go("/");
  await other.page.getByLabel("Admin password").waitFor();
  expect(faults).toEqual([]);
  await other.context.close();
  await context.close();
});

test("a wrong password says so at its field, in both languages", async () => {
  for (const [locale, message] of [
    ["en-US", "This password is wrong."],
    ["zh-CN", "密码不正确。"],
  ] as const) {
    const { page, faults, signIn, context } = await admin.open({ locale });
    await signIn("wrong");
    await page.getByText(message).waitFor();
    const field = page.locator("input[name=password]");
    expect(await field.getAttribute("aria-invalid")).toBe("true");
    expect(await field.inputValue()).toBe("wrong");
    expect(faults).toEqual([]);
    await context.close();
  }
});

test("the sign-in page suits every window, colour and language, and axe finds nothing", async () => {
  for (const viewport of [WIDE, NARROW])
    for (const colorScheme of ["light", "dark"] as const)
      for (const locale of ["en-US", "zh-CN"]) {
        const { page, faults, go, context } = await admin.open({ viewport, colorScheme, locale });
        await go("/");
        await page.locator("input[name=password]").waitFor();
        expect(await overflow(page)).toBe(0);
        expect(await axeFaults(page)).toEqual([]);
        expect(faults).toEqual([]);
        await context.close();
      }
});

test("after many wrong passwords the page counts down to the next try; a session goes on", async () => {
  const inside = await admin.open();
  await inside.signIn(PASSWORD);
  await inside.page.getByRole("heading", { name: "Overview", level: 1 }).waitFor();
  const { page, signIn, context, faults } = await admin.open();
  await signIn("wrong 0");
  const submit = page.getByRole("button", { name: "Sign in" });
  const locked = page.getByText(/The next try is possible in \d+:\d\d/);
  for (let at = 1; at < 30 && !(await locked.isVisible()); at += 1) {
    await page.locator("input[name=password]").fill(`wrong ${at}`);
    const answered = page.waitForResponse((reply) => reply.url().endsWith("/admin/api/session"));
    await submit.click();
    await answered;
    await page.waitForTimeout(50);
  }
  await locked.waitFor();
  expect(await submit.isDisabled()).toBe(true);
  expect(faults).toEqual([]);
  await inside.page.reload();
  await inside.page.getByRole("heading", { name: "Overview", level: 1 }).waitFor();
  await inside.context.close();
  await context.close();
});

test("a link signs in once, and leaves the address at once", async () => {
  const { exitCode, out } = await admin.gateway.command("admin", "link");
  expect(exitCode).toBe(0);
  const token = /#link=([\w-]+)/.exec(out)?.[1];
  const first = await admin.open();
  await first.go(`/#link=${token}`);
  await first.page.getByRole("heading", { name: "Overview", level: 1 }).waitFor();
  expect(first.page.url()).not.toContain("link");
  expect(first.faults).toEqual([]);
  await first.context.close();
  const second = await admin.open();
  await second.go(`/#link=${token}`);
  await second.page.getByRole("alert").waitFor();
  expect(second.page.url()).not.toContain("link");
  await second.context.close();
});
