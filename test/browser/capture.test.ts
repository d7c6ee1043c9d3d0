import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "bun:test";
import { until } from "../kit/gateway.ts";
import { type AdminUnderTest, axeFaults, NARROW, overflow, startAdmin, type Window } from "./admin.ts";
import { grown } from "./grown.ts";
import { HOSTILE_TEXTS } from "./hostile-payloads.ts";

const CAPTURED_KEY = "clw-captured-key-0123456789";
const ALL_TEXTS = HOSTILE_TEXTS.join("\n");

let admin: AdminUnderTest;
let upstream: ReturnType<typeof Bun.serve>;
let window: Window;
beforeAll(async () => {
  upstream = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: answer });
  admin = await startAdmin(
    [
      `[[upstreams]]\nname = "hostile"\nfamily = "openai"\nbase_url = "http://127.0.0.1:${upstream.port}/v1"\ndialects = ["openai-chat"]`,
      `[[upstreams.credentials]]\nname = "main"\napi_key = "sk-hostile-0123456789"`,
      `[[keys]]\nname = "captured"\nkey = "${CAPTURED_KEY}"\ncapture = true`,
      "[capture]\nenabled = true\n",
    ].join("\n"),
  );
});
afterAll(async () => {
  await admin.close();
  await upstream.stop(true);
});
beforeEach(async () => {
  window = await admin.open();
  await window.signIn();
  await window.page.locator("#page-title").waitFor();
});
afterEach(async () => {
  expect(window.faults).toEqual([]);
  await window.context.close();
});

/** Says every hostile text, in a stream and in headers. */
function answer(request: Request): Response {
  if (request.method === "GET") return Response.json({ data: [] });
  const chunk = (delta: object, end: string | null): string =>
    `data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", created: 1, model: "m", choices: [{ index: 0, delta, finish_reason: end }] })}\n\n`;
  const said = HOSTILE_TEXTS.map((content) => chunk({ content: `${content}\n` }, null));
  return new Response(
    [...said, `: ${HOSTILE_TEXTS[0]}\n\n`, chunk({}, "stop"), "data: [DONE]\n\n"].join(""),
    { headers: { "content-type": "text/event-stream", "x-request-id": HOSTILE_TEXTS[0] ?? "" } },
  );
}

/** Sends a request whose body is captured; resolves with its id. */
async function ask(model: string, content: string, key = CAPTURED_KEY): Promise<string> {
  const reply = await fetch(`${admin.gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify({ model, stream: true, messages: [{ role: "user", content }] }),
  });
  await reply.arrayBuffer();
  const id = reply.headers.get("x-request-id") ?? "";
  await admin.gateway.row(id);
  return id;
}

test("a request that was not captured says how the capture is switched on", async () => {
  const { page, go } = window;
  const reply = await admin.ask();
  await reply.arrayBuffer();
  const id = reply.headers.get("x-request-id") ?? "";
  await admin.gateway.row(id);
  await go(`/requests/${id}`);
  await page.getByText("Prompts and answers are not kept unless somebody switches it on.").waitFor();
  expect(await page.getByText("Capture is off for the gateway.").count()).toBe(0);
  expect(await axeFaults(page)).toEqual([]);
  await page.getByRole("link", { name: "Switch it on for the key" }).click();
  await page.getByLabel("Capture").waitFor();
});

test("both sides of a translation stand beside one another, readable and as they came", async () => {
  const { page, go } = window;
  const id = await ask("claude-sonnet-5", "What is a clew?");
  await go(`/requests/${id}`);
  const part = (name: string) => page.getByRole("region", { name, exact: true }).first();
  await part("The client sent").getByText("What is a clew?").first().waitFor();
  await part("The upstream got").getByText("anthropic-messages").first().waitFor();
  await part("The upstream sent").getByText("content_block_delta", { exact: false }).first().waitFor();
  await part("The client got").getByText("chat.completion.chunk", { exact: false }).first().waitFor();
  expect(await axeFaults(page)).toEqual([]);
  await page.getByRole("radio", { name: "As it came" }).click();
  await part("The client got").getByText("data: [DONE]", { exact: false }).first().waitFor();
  await page.getByText("Headers").first().click();
  await page.getByText("[redacted]").first().waitFor();
  const shown = await page.content();
  for (const secret of [CAPTURED_KEY, "sk-one", "sk-two"]) expect(shown).not.toContain(secret);
});

test("a captured request is copied for a shell, where it runs with the key of the shell", async () => {
  const { page, go, context } = window;
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const id = await ask("gpt-5.5", `it's "quoted" $HOME`);
  await go(`/requests/${id}`);
  await page.getByRole("button", { name: "Copy as curl" }).click();
  await page.getByRole("button", { name: "Copied" }).waitFor();
  const curl = await page.evaluate(() => navigator.clipboard.readText());
  expect(curl).toContain("$CLEWLINE_KEY");
  expect(curl).not.toContain(CAPTURED_KEY);
  const run = Bun.spawn(["sh", "-c", curl], {
    env: { PATH: process.env.PATH ?? "", CLEWLINE_KEY: CAPTURED_KEY },
    stdout: "pipe",
    stderr: "ignore",
  });
  expect(await run.stdout.text()).toContain("data: [DONE]");
});

test("a captured request is replayed in the playground, with changes", async () => {
  const { page, go } = window;
  const id = await ask("gpt-5.5", "Say hello");
  await go(`/requests/${id}`);
  await page.getByRole("link", { name: "Replay in the playground" }).click();
  const body = page.getByLabel("Body", { exact: true });
  await body.waitFor();
  expect(await body.inputValue()).toContain("Say hello");
  await body.fill("{");
  await page.getByText("This is no JSON object yet.").waitFor();
  expect(await page.getByRole("button", { name: "Send" }).isDisabled()).toBe(true);
  await body.fill(
    JSON.stringify({ model: "gpt-5.4", stream: true, messages: [{ role: "user", content: "Hello again" }] }),
  );
  expect(await axeFaults(page)).toEqual([]);
  await page.getByRole("button", { name: "Send" }).click();
  await page.getByText("First token").waitFor();
  await page
    .getByText(/gpt-5\.4|Hello/)
    .first()
    .waitFor();
  await page.getByRole("button", { name: "New chat" }).click();
  await page.getByLabel("Message").waitFor();
});

test("one is deleted, then all", async () => {
  const { page, go } = window;
  const [first, second] = [await ask("gpt-5.5", "one"), await ask("gpt-5.5", "two")];
  await go(`/requests/${first}`);
  await page.getByRole("button", { name: "Delete what was captured" }).click();
  await page.getByText("Nothing was kept of this request", { exact: false }).waitFor();
  await go("/requests");
  await page.getByRole("button", { name: /^Captured/ }).click();
  await page.getByText("Requests of 1 key are captured with their bodies.").waitFor();
  expect(await axeFaults(page)).toEqual([]);
  await page.getByRole("button", { name: "Delete all", exact: true }).click();
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await go(`/requests/${second}`);
  await page.getByText("Nothing was kept of this request", { exact: false }).waitFor();
});

test("hostile bodies and headers are text in every view", async () => {
  const { page, go } = window;
  const id = await ask("hostile/m", ALL_TEXTS);
  const calm = async (): Promise<void> => {
    expect(await grown(page)).toEqual([]);
    expect(window.faults).toEqual([]);
  };
  await go(`/requests/${id}`);
  await page
    .getByRole("region", { name: "The client got" })
    .first()
    .getByText("alert(1)", { exact: false })
    .first()
    .waitFor();
  for (const summary of await page.getByText(/^Headers/).all()) await summary.click();
  await calm();
  await page.getByRole("radio", { name: "As it came" }).click();
  await calm();
  await page.getByRole("link", { name: "Replay in the playground" }).click();
  await page.getByRole("button", { name: "Send" }).click();
  await page.getByText("First token").waitFor();
  await calm();
});

test.each(["en-US", "zh-CN"])("at 360 pixels in %s nothing sticks out", async (locale) => {
  const narrow = await admin.open({ viewport: NARROW, locale });
  await narrow.signIn();
  await narrow.page.locator("#page-title").waitFor();
  const id = await ask("claude-sonnet-5", `a long word ${"x".repeat(300)}`);
  for (const path of [`/requests/${id}`, `/playground?replay=${id}`, "/requests"]) {
    await narrow.go(path);
    await narrow.page.locator("#page-title").waitFor();
    const shown = path.startsWith("/playground") ? "textarea" : path === "/requests" ? "main" : "pre";
    await narrow.page.locator(shown).first().waitFor();
    expect([path, await overflow(narrow.page)]).toEqual([path, 0]);
    expect(await axeFaults(narrow.page)).toEqual([]);
  }
  expect(narrow.faults).toEqual([]);
  await narrow.context.close();
});

test("it is switched on for a key on its page, and off for the gateway in the settings", async () => {
  const { page, go } = window;
  await go("/keys?new=1");
  await page.getByLabel("Name").fill("looked-at");
  await page.getByRole("button", { name: "Create", exact: true }).click();
  const key = (await page.getByLabel("The new key").textContent()) ?? "";
  await go("/keys/looked-at");
  await page.getByLabel("Capture", { exact: true }).selectOption("On");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("The key was changed.").first().waitFor();
  let id = "";
  // A change in the data folder is seen within a second.
  await until("its requests are captured", async () => {
    id = await ask("gpt-5.5", "hello", key);
    await go(`/requests/${id}`);
    await page
      .locator("pre")
      .or(page.getByText(/^(?:Prompts and answers are not kept|Nothing was kept of this request)/))
      .first()
      .waitFor();
    return (await page.locator("pre").count()) > 0;
  });
  await go("/settings?q=capture.enabled");
  await page.getByLabel("enabled").first().selectOption("false");
  await page.getByRole("button", { name: "Review…" }).click();
  await page.getByRole("dialog").getByText("capture.enabled").first().waitFor();
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("The configuration was saved.").first().waitFor();
  const later = await ask("gpt-5.5", "hello again", key);
  await go(`/requests/${later}`);
  await page.getByText("Capture is off for the gateway.").waitFor();
  await page.getByRole("link", { name: "Switch it on in the settings" }).click();
  await page.getByLabel("max_age_s").waitFor();
  await go(`/requests/${id}`);
  await page.locator("pre").first().waitFor();
  await go("/requests");
  await page.getByRole("button", { name: /^Captured/ }).click();
  await page.getByText("Capture is off. What was captured before is still kept.").waitFor();
});
