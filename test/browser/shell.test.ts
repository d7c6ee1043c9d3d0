import { afterAll, beforeAll, expect, test } from "bun:test";
import { type AdminUnderTest, axeFaults, NARROW, startAdmin } from "./admin.ts";

const FIRST_PAGE_BYTES = 200_000;

let admin: AdminUnderTest;
beforeAll(async () => {
  admin = await startAdmin();
});
afterAll(() => admin.close());

test("the first page loads at most 200 kB, compressed, and nothing from elsewhere", async () => {
  const { page, faults, signIn, context } = await admin.open();
  await signIn();
  await page.getByRole("heading", { name: "Overview", level: 1 }).waitFor();
  await page.reload();
  await page.getByRole("heading", { name: "Overview", level: 1 }).waitFor();
  await page.waitForTimeout(500);
  const files = await page.evaluate(() =>
    [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")].map(
      (entry) => {
        const { name, encodedBodySize } = entry as PerformanceResourceTiming;
        return { name, encodedBodySize };
      },
    ),
  );
  const loaded = files.filter(({ name }) => !name.includes("/admin/api/"));
  const bytes = loaded.reduce((sum, file) => sum + file.encodedBodySize, 0);
  console.log(`first page: ${bytes} bytes in ${loaded.length} files`);
  expect(loaded.length).toBeGreaterThan(3);
  expect(bytes).toBeGreaterThan(50_000);
  expect(bytes).toBeLessThan(FIRST_PAGE_BYTES);
  expect(faults).toEqual([]);
  await context.close();
});

test("keys of the keyboard open the palette, the list of shortcuts and the pages", async () => {
  const { page, faults, signIn, context } = await admin.open();
  await signIn();
  await page.getByRole("heading", { name: "Overview", level: 1 }).waitFor();
  await page.keyboard.press("?");
  await page.getByRole("heading", { name: "Keyboard shortcuts" }).waitFor();
  expect(await axeFaults(page)).toEqual([]);
  await page.keyboard.press("Escape");
  await page.keyboard.press("Control+k");
  const field = page.getByPlaceholder("A page, a key, a credential…");
  await field.waitFor();
  expect(await axeFaults(page)).toEqual([]);
  await field.fill("requ");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Requests", level: 1 }).waitFor();
  await page.keyboard.press("g");
  await page.keyboard.press("p");
  await page.getByRole("heading", { name: "Pool", level: 1 }).waitFor();
  expect(faults).toEqual([]);
  await context.close();
});

test("language and colours are chosen, hold at once and after a new start, and need no cookie", async () => {
  const { page, faults, signIn, context } = await admin.open({ viewport: NARROW });
  await signIn();
  await page.getByRole("button", { name: "Language", exact: false }).first().click();
  await page.getByRole("menuitem", { name: "简体中文" }).click();
  await page.getByRole("heading", { name: "概览", level: 1 }).waitFor();
  await page.getByRole("button", { name: "配色" }).first().click();
  await page.getByRole("menuitem", { name: "深色" }).click();
  const ground = (): Promise<string> => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  expect(await ground()).toBe("rgb(14, 17, 19)");
  await page.reload();
  await page.getByRole("heading", { name: "概览", level: 1 }).waitFor();
  expect(await ground()).toBe("rgb(14, 17, 19)");
  expect(await page.evaluate(() => document.documentElement.lang)).toBe("zh-CN");
  expect(faults).toEqual([]);
  await context.close();
});

test("a page that is not there, and a file that is not there, say so", async () => {
  const { page, signIn, go, context } = await admin.open();
  await signIn();
  await page.getByRole("heading", { name: "Overview", level: 1 }).waitFor();
  await go("/no-such-page");
  await page.getByText("There is no such page").waitFor();
  const reply = await fetch(`${admin.gateway.url}/admin/assets/none.js`);
  expect(reply.status).toBe(404);
  await context.close();
});

test("a browser that takes itself for offline reaches the gateway all the same", async () => {
  const { page, faults, signIn, context } = await admin.open();
  await page.addInitScript(() => setInterval(() => dispatchEvent(new Event("offline")), 5));
  await signIn();
  await page
    .getByText("No request in this range yet")
    .or(page.getByText("Requests", { exact: true }))
    .first()
    .waitFor();
  await page.getByRole("link", { name: "Pool" }).first().click();
  await page.getByRole("article").first().waitFor();
  await page.getByRole("link", { name: "Keys" }).first().click();
  await page.getByText("tester").first().waitFor();
  expect(faults).toEqual([]);
  await context.close();
});

for (const locale of ["en-US", "zh-CN"]) {
  test(`code that cannot be loaded at first is loaded again, in ${locale}`, async () => {
    const { page, go, signIn, context } = await admin.open({ locale });
    await signIn();
    await page.locator("#page-title").waitFor();
    const failed = new Set<string>();
    // Each file once: the catalog of the language, and the pages, which are loaded when they are opened.
    await page.route(/\/assets\/(en|zh-cn|\w+-page)-\w+\.js$/, (route) => {
      const url = route.request().url();
      if (failed.has(url)) return route.continue();
      failed.add(url);
      return route.abort();
    });
    for (const path of ["/", "/keys", "/settings"]) {
      await go(path);
      await page.locator("#page-title").waitFor();
    }
    console.log(`failed once: ${failed.size} files`);
    expect(failed.size).toBeGreaterThan(0);
    await context.close();
  });
}
