// State that a provider keeps under one credential is asked for with the same credential, also after a
// restart.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { type Gateway, KEYS_TOML, runGateway, startGateway, upstreamToml } from "../kit/gateway.ts";
import { request } from "../kit/raw-client.ts";
import {
  type Arrived,
  type RawUpstream,
  sendStream,
  sendWhole,
  startRawUpstream,
} from "../kit/raw-upstream.ts";
import { RESPONSES } from "../kit/recordings.ts";

let upstream: RawUpstream;
let gateway: Gateway;
/** The credential that made each object, as the provider knows it. */
const owners = new Map<string, string>();
let count = 0;

function keyOf(arrived: Arrived): string {
  return arrived.headers.get("authorization") ?? "";
}

/** A provider that shows a response to its maker only. */
async function answer(arrived: Arrived): Promise<void> {
  const [path = ""] = arrived.target.split("?");
  const named =
    path.split("/")[3] ??
    (JSON.parse(arrived.body.toString() || "{}").previous_response_id as string | undefined);
  if (named !== undefined && owners.get(named) !== keyOf(arrived)) {
    const error = {
      message: `Response with id '${named}' not found.`,
      type: "invalid_request_error",
      param: null,
      code: null,
    };
    return await sendWhole(
      arrived,
      JSON.stringify({ error }),
      { "content-type": "application/json" },
      "404 Not Found",
    );
  }
  if (arrived.method !== "POST" || path.endsWith("/cancel"))
    return await sendWhole(arrived, JSON.stringify({ id: named, object: "response" }));
  count += 1;
  const id = `resp_${count}`;
  owners.set(id, keyOf(arrived));
  if (arrived.body.includes('"stream":true')) {
    return await sendStream(
      arrived,
      RESPONSES.frames.map((frame) => frame.replaceAll("resp_1", id)),
      RESPONSES.streamType,
    );
  }
  await sendWhole(arrived, RESPONSES.whole.replaceAll("resp_1", id));
}

const toml = (url: string): string =>
  [
    KEYS_TOML,
    upstreamToml("openai", "openai", `${url}/v1`, {
      credentials: { one: "sk-one", two: "sk-two", three: "sk-three" },
    }),
    upstreamToml("other", "openai", `${url}/other/v1`),
  ].join("\n");

beforeAll(async () => {
  upstream = await startRawUpstream(answer);
  gateway = await startGateway({ toml: toml(upstream.url) });
});
afterAll(async () => {
  await gateway?.close();
  await upstream?.close();
});

async function make(more: object = {}): Promise<string> {
  const body = JSON.stringify({ model: "gpt-4.1", input: "go", ...more });
  const reply = await request(gateway.port, "/v1/responses", { body });
  expect(reply.status).toBe(200);
  return /resp_\d+/.exec(reply.body.toString())?.[0] as string;
}

async function expectFound(id: string): Promise<void> {
  for (const [method, path] of [
    ["GET", id],
    ["GET", `${id}/input_items?limit=2`],
    ["POST", `${id}/cancel`],
    ["DELETE", id],
  ] as const) {
    const reply = await request(gateway.port, `/v1/responses/${path}`, {
      method,
      ...(method === "POST" ? { body: "" } : {}),
    });
    expect([method, path, reply.status, JSON.parse(reply.body.toString()).id]).toEqual([
      method,
      path,
      200,
      id,
    ]);
  }
}

async function expectContinued(id: string): Promise<void> {
  const owner = owners.get(id);
  for (const more of [{}, { stream: true }, { model: undefined }]) {
    const next = await make({ previous_response_id: id, ...more });
    expect(owners.get(next)).toBe(owner as string);
  }
}

test("stored responses go back to the credential that made them", async () => {
  const ids: string[] = [];
  for (let i = 0; i < 6; i += 1) ids.push(await make(i % 2 === 0 ? {} : { stream: true }));
  expect(new Set(ids.map((id) => owners.get(id))).size).toBe(3);
  for (const id of ids) {
    await expectContinued(id);
    await expectFound(id);
  }
});

test("also after a restart", async () => {
  const ids = [await make(), await make(), await make(), await make()];
  gateway.signal("SIGTERM");
  expect(await gateway.exited).toBe(0);
  gateway = await runGateway(gateway.folder, gateway.configFile, ["serve", "--config", gateway.configFile]);
  for (const id of ids.toReversed()) {
    await expectContinued(id);
    await expectFound(id);
  }
});

test("what nobody here made is the provider's 404, and costs no credential", async () => {
  const reply = await request(gateway.port, "/v1/responses/resp_unknown");
  expect(reply.status).toBe(404);
  expect(reply.body.toString()).toContain("resp_unknown");
  expect((await gateway.command("credentials")).out).not.toMatch(/cooling|invalid|forbidden/);
});

test("a stored response's tokens are not counted twice", async () => {
  const id = await make();
  const reply = await request(gateway.port, `/v1/responses/${id}`);
  expect(await gateway.row(reply.headers.get("x-request-id"))).toMatchObject({
    endpoint: "responses.stored",
    input_tokens: null,
    output_tokens: null,
  });
});
