import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Page } from "playwright-core";
import { type AdminUnderTest, startAdmin, type Window } from "./admin.ts";
import { grown } from "./grown.ts";
import { HOSTILE_NAMES, HOSTILE_TEXTS } from "./hostile-payloads.ts";

const [FIRST_NAME = ""] = HOSTILE_NAMES;
const SAYS_ALL = "says-all";
const AT_ONCE = 8;

let admin: AdminUnderTest;
let upstream: ReturnType<typeof Bun.serve>;
let window: Window;
beforeAll(async () => {
  upstream = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: answer });
  admin = await startAdmin(hostileToml(`http://127.0.0.1:${upstream.port}/v1`));
  const models = [...HOSTILE_TEXTS];
  const askAll = async (): Promise<void> => {
    for (let model = models.pop(); model !== undefined; model = models.pop())
      await (await admin.ask(`hostile/${model}`)).arrayBuffer();
  };
  await Promise.all(Array.from({ length: AT_ONCE }, askAll));
  window = await admin.open();
  await window.signIn();
  await window.page.locator("#page-title").waitFor();
});
afterAll(async () => {
  await window.context.close();
  await admin.close();
  await upstream.stop(true);
});

/** Keys and credentials whose names are hostile; TOML reads the texts of JSON. */
function hostileToml(baseUrl: string): string {
  return [
    `[[upstreams]]\nname = "hostile"\nfamily = "openai"\nbase_url = "${baseUrl}"\ndialects = ["openai-chat"]`,
    ...HOSTILE_NAMES.map(
      (name, at) => `[[upstreams.credentials]]\nname = ${JSON.stringify(name)}\napi_key = "sk-hostile-${at}"`,
    ),
    ...HOSTILE_NAMES.map(
      (name, at) => `[[keys]]\nname = ${JSON.stringify(name)}\nkey = "clw-hostile-key-${at}-0123456789"`,
    ),
    "",
  ].join("\n");
}

/** Refuses each model in the words of its name, and says every hostile text where it answers. */
async function answer(request: Request): Promise<Response> {
  const { model = "" } = (await request.json().catch(() => ({}))) as { model?: string };
  if (model !== SAYS_ALL)
    return Response.json(
      { error: { message: model, type: model, code: model, param: model } },
      { status: 400 },
    );
  const chunk = (delta: object, end: string | null): string =>
    `data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", created: 1, model, choices: [{ index: 0, delta, finish_reason: end }] })}\n\n`;
  const said = HOSTILE_TEXTS.map((content, at) =>
    chunk(at % 5 === 0 ? { reasoning_content: `${content}\n` } : { content: `${content}\n` }, null),
  );
  return new Response([...said, chunk({}, "stop"), "data: [DONE]\n\n"].join(""), {
    headers: { "content-type": "text/event-stream" },
  });
}

const nextFrame = (page: Page): Promise<unknown> =>
  page.evaluate(() => new Promise((resolve) => requestAnimationFrame(resolve)));

async function expectCalm(): Promise<void> {
  expect(await grown(window.page)).toEqual([]);
  expect(window.faults).toEqual([]);
}

test("there are enough texts of every family", () => {
  expect(HOSTILE_TEXTS.length).toBeGreaterThanOrEqual(500);
  expect(HOSTILE_NAMES.length).toBeGreaterThanOrEqual(50);
});

test("hostile names of models, keys and credentials are text on every page that has them", async () => {
  const { page, go } = window;
  for (const [path, shown] of [
    ["/", "hostile/"],
    ["/?metric=requests&by=model", "hostile/"],
    ["/?metric=requests&by=key", "tester"],
    ["/?metric=requests&by=credential", "hostile/"],
    ["/pool", FIRST_NAME],
    ["/requests", "hostile/"],
    ["/keys", FIRST_NAME],
    [`/keys/${encodeURIComponent(FIRST_NAME)}`, FIRST_NAME],
    ["/models", "Models"],
    ["/settings?q=credentials", FIRST_NAME],
    ["/settings?at=keys%5B1%5D", FIRST_NAME],
  ] as const) {
    await go(path);
    await page.getByText(shown).filter({ visible: true }).first().waitFor();
    // Only what is in sight is on the page.
    for (let turn = 0; turn < 24; turn += 1) {
      await page.mouse.wheel(0, 400);
      await nextFrame(page);
    }
    await expectCalm();
  }
  await go("/requests?view=history");
  const all = page.getByText("These are all.");
  await page.mouse.move(800, 600);
  while (!(await all.isVisible())) {
    await page.mouse.wheel(0, 1_200);
  }
  await expectCalm();
  await page.keyboard.press("Control+k");
  await page.getByPlaceholder("A page, a key, a credential…").fill("<");
  await page.getByRole("option").first().waitFor();
  await expectCalm();
});

test("an upstream's hostile words for a failure are text on the request's page and in a credential's test", async () => {
  const { page, go } = window;
  for (const text of HOSTILE_TEXTS.filter((_, at) => at % 100 === 0)) {
    await go(`/requests?view=history&model=${encodeURIComponent(`hostile/${text}`)}`);
    const link = page.locator("a[href*='/admin/requests/']").first();
    await link.click();
    await page.getByRole("heading", { name: "Timeline" }).waitFor();
    await expectCalm();
  }
  await go(`/pool?at=${encodeURIComponent(`hostile/${FIRST_NAME}`)}`);
  await page.getByRole("button", { name: `Actions for hostile/${FIRST_NAME}`, exact: true }).click();
  await page.getByRole("menuitem", { name: "Test…" }).click();
  await page.getByLabel("Model").fill(HOSTILE_TEXTS[1] ?? "");
  await page.getByRole("button", { name: "Send" }).click();
  await page.getByText("Status 400").waitFor();
  await expectCalm();
});

test("what a model says is text in the playground", async () => {
  const { page, go } = window;
  await go(`/playground?a=hostile/${SAYS_ALL}`);
  await page.getByLabel("Message").fill(HOSTILE_TEXTS.join("\n"));
  await page.getByRole("button", { name: "Send" }).click();
  await page.getByRole("link", { name: "The request" }).waitFor();
  await page
    .getByText(HOSTILE_TEXTS.at(-1) ?? "")
    .last()
    .waitFor();
  await expectCalm();
});

test("an address with hostile parts shows them as text, or not at all", async () => {
  const { page, go } = window;
  const parts = [...HOSTILE_TEXTS.filter((_, at) => at % 300 === 0), "100% <b>"].map(encodeURIComponent);
  for (const part of parts)
    for (const path of [
      `/keys/${part}`,
      `/requests/${part}`,
      `/requests?q=${part}`,
      `/pool?at=${part}&q=${part}&state=${part}`,
      `/?range=${part}&metric=${part}&by=${part}&from=${part}`,
      `/settings?q=${part}&at=${part}&view=${part}`,
    ]) {
      await go(path);
      await page.locator("#page-title").or(page.getByRole("alert")).first().waitFor();
      expect([path, await page.locator("#page-title").count()]).toEqual([path, 1]);
      await expectCalm();
    }
});
