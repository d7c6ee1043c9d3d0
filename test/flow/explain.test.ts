// `/v1/explain` shows the upstream request before it is sent: the bytes that are sent afterwards, and no
// secret.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { answerWell } from "../faults/asking.ts";
import { CLIENT_KEY, type Gateway, startGateway } from "../kit/gateway.ts";
import { type RawReply, request } from "../kit/raw-client.ts";
import { type RawUpstream, startRawUpstream } from "../kit/raw-upstream.ts";
import { CHAT, GEMINI, MESSAGES, RESPONSES } from "../kit/recordings.ts";
import { asking, cellOf, type Frame, translatedToml, UPSTREAMS } from "./translated.ts";

let upstream: RawUpstream;
let gateway: Gateway;

const SECRET = "sk-very-secret-credential";

beforeAll(async () => {
  upstream = await startRawUpstream((arrived) => answerWell(arrived));
  gateway = await startGateway({
    toml: [
      translatedToml(upstream.url, { credentials: { main: SECRET } }),
      '[[models]]\nname = "house"\ntargets = ["gemini/gemini-3-flash", "anthropic-messages/claude-sonnet-4-6", "openai-responses/gpt-5.4"]',
      'system_before = "You are of this house."\n',
      '[[models]]\nname = "careful"\ntargets = ["anthropic-messages/claude-sonnet-4-6"]\nstrict = true\n',
    ].join("\n"),
  });
});
afterAll(async () => {
  await gateway?.close();
  await upstream?.close();
});

async function explain(path: string, body: unknown, key: string | null = CLIENT_KEY): Promise<RawReply> {
  return await request(gateway.port, "/v1/explain", { body: JSON.stringify({ path, body }), key });
}

async function explained(path: string, body: unknown): Promise<Frame> {
  const reply = await explain(path, body);
  expect([reply.status, reply.headers.get("content-type")]).toEqual([200, "application/json"]);
  expect(reply.body.toString()).not.toMatch(/sk-very-secret|clw-client/);
  return JSON.parse(reply.body.toString());
}

/** Headers of the connection, and those that a relay takes from the real client. */
const NOT_TOLD = new Set([
  "host",
  "content-length",
  "connection",
  "transfer-encoding",
  "authorization",
  "x-api-key",
  "x-goog-api-key",
]);

for (const client of [CHAT, RESPONSES, MESSAGES, GEMINI]) {
  for (const [dialect, { model }] of Object.entries(UPSTREAMS)) {
    const isRelay = dialect === client.dialect;

    test(`${client.dialect} → ${dialect}: what is told is what is sent`, async () => {
      for (const isStream of [false, true]) {
        const { path, body } = asking(client, model, isStream);
        upstream.forget();
        const told = await explained(path, JSON.parse(body));
        expect(upstream.seen).toHaveLength(0);
        expect(told).toMatchObject({ dialect: client.dialect, model });
        expect(told.targets).toHaveLength(1);
        const [target] = told.targets;
        expect(target).toMatchObject({
          upstream: dialect,
          model: model.slice(model.indexOf("/") + 1),
          mode: isRelay ? "relay" : "translate",
          dialect,
        });
        expect((await request(gateway.port, path, { body })).status).toBe(200);
        const [arrived] = upstream.seen;
        expect(target.request).toMatchObject({ method: "POST", url: arrived?.target });
        expect(target.request.body).toEqual(JSON.parse(arrived?.body.toString() ?? ""));
        if (!isRelay) {
          const sent = [...(arrived?.headers ?? [])].filter(([name]) => !NOT_TOLD.has(name));
          const named = Object.entries(target.request.headers as Record<string, string>).filter(
            ([name]) => !NOT_TOLD.has(name),
          );
          expect(Object.fromEntries(named)).toEqual(Object.fromEntries(sent));
        }
        const secrets = Object.entries(target.request.headers as Record<string, string>).filter(([name]) =>
          /^(authorization|x-api-key|x-goog-api-key)$/.test(name),
        );
        expect(secrets.map(([, value]) => value)).toEqual(["***"]);
      }
    });
  }
}

test("all targets are told in their order, with what each would not get", async () => {
  const body = {
    model: "house",
    messages: [{ role: "user", content: "hi" }],
    seed: 7,
    logit_bias: { "1": 1 },
  };
  const { targets } = await explained("/v1/chat/completions", body);
  expect(targets.map(({ upstream: name }: Frame) => name)).toEqual([
    "gemini",
    "anthropic-messages",
    "openai-responses",
  ]);
  const dropped = targets.map(({ dropped: list }: Frame) => list.map(({ field }: Frame) => field).toSorted());
  expect(dropped).toEqual([["logit_bias"], ["logit_bias", "seed"], ["logit_bias", "seed"]]);
  for (const { request: outgoing } of targets)
    expect(JSON.stringify(outgoing.body)).toContain("(words of the gateway's operator)");
});

test("stop sequences that would be watched here are told", async () => {
  const { path, body } = asking(CHAT, UPSTREAMS["openai-responses"].model, true, { stop: ["HALT"] });
  const { targets } = await explained(path, JSON.parse(body));
  expect(targets[0]).toMatchObject({ watched_stops: ["HALT"] });
});

test("a target that cannot take the request says why; so does a strict model", async () => {
  const foreign = await explained("/v1/chat/completions", {
    model: UPSTREAMS["anthropic-messages"].model,
    messages: [{ role: "user", content: "hi" }],
    n: 3,
  });
  expect(foreign.targets[0]).toMatchObject({ mode: null, error: { kind: "not_translatable", param: "n" } });
  expect(foreign.targets[0].request).toBeUndefined();
  const careful = await explained("/v1/chat/completions", {
    model: "careful",
    messages: [{ role: "user", content: "hi" }],
    seed: 3,
  });
  expect(careful.targets[0]).toMatchObject({
    mode: null,
    error: { kind: "not_translatable", param: "seed" },
  });
});

test("nobody without a key is told anything, and nonsense is a 400", async () => {
  const { path, body } = asking(CHAT, UPSTREAMS.gemini.model, false);
  expect((await explain(path, JSON.parse(body), null)).status).toBe(401);
  expect((await explain(path, JSON.parse(body), "clw-wrong")).status).toBe(401);
  for (const [at, what] of [
    ["/v1/nothing", {}],
    [path, { messages: [] }],
    [path, "text"],
    [path, { model: "no-such-upstream-has-it", messages: [] }],
  ] as const) {
    const reply = await explain(at, what);
    expect([at, reply.status >= 400 && reply.status < 500]).toEqual([at, true]);
    expect(JSON.parse(reply.body.toString())).toHaveProperty("error");
  }
  for (const text of ["", "{", "[]", "{}"]) {
    expect((await request(gateway.port, "/v1/explain", { body: text })).status).toBe(400);
  }
});

test("explaining leaves no trace: no row, nothing in the log", async () => {
  const before = (await gateway.rows()).length;
  const logged = gateway.log().length;
  const { path, body } = asking(MESSAGES, UPSTREAMS["openai-chat"].model, false);
  await explained(path, JSON.parse(body));
  await Bun.sleep(100);
  expect((await gateway.rows()).length).toBe(before);
  expect(gateway.log().slice(logged)).not.toMatch(/secret|"level":"error"/);
});

test("the command line tells the same, and the address of the upstream", async () => {
  const file = join(gateway.folder, "request.json");
  for (const cell of [
    cellOf("openai-chat", "anthropic-messages"),
    cellOf("anthropic-messages", "openai-responses"),
    cellOf("gemini", "openai-chat"),
  ]) {
    const { path, body } = asking(cell.client, cell.model, true, cell.client === CHAT ? { seed: 7 } : {});
    writeFileSync(file, body);
    const json = await gateway.command("explain", file, "--path", path, "--json");
    expect([json.exitCode, json.err]).toEqual([0, ""]);
    expect(json.out).toContain(upstream.url);
    expect(JSON.parse(json.out.replaceAll(upstream.url, ""))).toEqual(
      await explained(path, JSON.parse(body)),
    );
    const text = await gateway.command("explain", file, "--path", path);
    expect(text.exitCode).toBe(0);
    expect(text.out).toContain(`translated to ${cell.upstream.dialect}`);
    expect(text.out).toContain("***");
    if (cell.client === CHAT) expect(text.out).toContain("without seed");
    expect(json.out + text.out).not.toContain("secret");
  }
});

test("the command line says what is wrong", async () => {
  const file = join(gateway.folder, "request.json");
  writeFileSync(file, JSON.stringify({ model: UPSTREAMS.gemini.model, messages: [], n: 2 }));
  expect(await gateway.command("explain", join(gateway.folder, "nowhere.json"))).toMatchObject({
    exitCode: 2,
  });
  expect(await gateway.command("explain")).toMatchObject({ exitCode: 2 });
  writeFileSync(file, "no json");
  expect(await gateway.command("explain", file)).toMatchObject({ exitCode: 1 });
  writeFileSync(
    file,
    JSON.stringify({ model: "careful", messages: [{ role: "user", content: "x" }], seed: 1 }),
  );
  const refused = await gateway.command("explain", file);
  expect([refused.exitCode, refused.out]).toEqual([1, expect.stringContaining("seed")]);
});
