/** Channels of alerts in the settings, undo of what was done with a key, and the gateway's words in Chinese. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { type Receiver, startReceiver } from "../../src/alerts/fixtures/receiver.ts";
import { stopServers } from "../../src/transport/fixtures/file-servers.ts";
import { type AdminUnderTest, axeFaults, NARROW, overflow, startAdmin } from "./admin.ts";

let admin: AdminUnderTest;
let receiver: Receiver;
beforeAll(async () => {
  receiver = await startReceiver((response) => response.end("ok"));
  admin = await startAdmin(
    `[[alerts.channels]]\nname = "ops"\nkind = "slack"\nurl = "${receiver.url}"\nallow_private = true\nevents = ["budget.low"]\n`,
  );
});
afterAll(async () => {
  stopServers();
  await admin.close();
});

test("a channel is tested from the settings, with what its receiver says and without its address", async () => {
  const { page, go, signIn, faults, context } = await admin.open();
  await signIn();
  await page.locator("#page-title").waitFor();
  await go("/settings?at=alerts");
  await page.getByRole("button", { name: "Send a test to ops" }).click();
  await page.getByText("It took the test").waitFor();
  expect(receiver.taken.at(-1)?.body).toContain("This is a test of Clewline's alerts");
  receiver.answer = (response) => response.writeHead(404).end("no_service");
  await page.getByRole("button", { name: "Send a test to ops" }).click();
  await page.getByText("It did not take the test").waitFor();
  await page.getByText("refuses the call with status 404").waitFor();
  await page.getByText("It says: no_service").waitFor();
  expect(await page.content()).not.toContain("secret-path");
  expect(await axeFaults(page)).toEqual([]);
  expect(faults).toEqual([]);
  await context.close();
});

test("a channel is added with what its kind needs, and a fault stands at its field", async () => {
  const { page, go, signIn, faults, context } = await admin.open();
  await signIn();
  await page.locator("#page-title").waitFor();
  await go("/settings?at=alerts");
  const add = async (url: string): Promise<void> => {
    await page.getByRole("button", { name: "Add an entry…" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("List", { exact: true }).selectOption({ label: "alerts.channels" });
    await dialog.getByLabel("name", { exact: true }).fill("second");
    await dialog.getByLabel("kind", { exact: true }).selectOption("discord");
    await dialog.getByLabel("url", { exact: true }).fill(url);
    expect(await axeFaults(page)).toEqual([]);
    await dialog.getByRole("button", { name: "Add", exact: true }).click();
    await page.getByRole("button", { name: "Review…" }).click();
  };
  await add("http://10.0.0.1/hooks/planted-secret");
  await page.getByRole("dialog").getByText("leads to no public address").first().waitFor();
  expect(await page.getByRole("button", { name: "Save" }).isDisabled()).toBe(true);
  await page.getByRole("button", { name: "Back" }).click();
  await page.getByRole("button", { name: "Discard" }).last().click();
  await add("https://discord.example.com/api/webhooks/1/planted-secret");
  expect(await page.getByRole("dialog").textContent()).not.toContain("planted-secret");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("button", { name: "Send a test to second" }).waitFor();
  expect(await page.content()).not.toContain("planted-secret");
  expect(faults).toEqual([]);
  await context.close();
});

test("a pause of a key is taken back from where it was made, and a revoked key from the record", async () => {
  const { page, go, signIn, faults, context } = await admin.open();
  await signIn();
  await page.locator("#page-title").waitFor();
  await go("/keys?new=1");
  await page.getByLabel("Name").fill("undone");
  await page.getByRole("button", { name: "Create", exact: true }).click();
  await page.getByRole("button", { name: "I have stored it" }).click();
  await page.getByRole("link", { name: "undone" }).click();
  await page.getByRole("button", { name: "Pause" }).click();
  await page.getByText("Paused", { exact: true }).first().waitFor();
  await page.getByRole("button", { name: "Undo" }).click();
  await page.getByText("Active", { exact: true }).first().waitFor();
  await page.getByRole("button", { name: "Revoke…" }).click();
  await page.getByRole("button", { name: "Revoke", exact: true }).click();
  await page.getByRole("heading", { name: "Keys", level: 1 }).waitFor();
  await go("/settings?view=changes");
  await page.getByText("Keys were revoked").waitFor();
  await page.getByRole("button", { name: "Undo" }).first().click();
  await page.getByText("The change was undone.").first().waitFor();
  await go("/keys/undone");
  await page.getByText("Active", { exact: true }).first().waitFor();
  expect(faults).toEqual([]);
  await context.close();
});

test("help, faults and repairs of the gateway are Chinese on a page in Chinese, and suit the narrowest window", async () => {
  const { page, go, signIn, faults, context } = await admin.open({ locale: "zh-CN", viewport: NARROW });
  await signIn();
  await page.locator("#page-title").waitFor();
  await go("/settings?q=max_wait_s");
  await page.getByText("所有可用的凭证都受限时").waitFor();
  await page.getByLabel("max_wait_s").fill("never");
  await page.getByRole("button", { name: "检查…" }).click();
  await page.getByRole("dialog").getByText("必须是 0 到").first().waitFor();
  await go("/settings?at=alerts");
  await page.getByRole("button", { name: "向 ops 发送测试" }).click();
  await page.getByText("以状态 404 拒绝了调用").waitFor();
  expect(await overflow(page)).toBe(0);
  expect(await axeFaults(page)).toEqual([]);
  expect(faults).toEqual([]);
  await context.close();
});
