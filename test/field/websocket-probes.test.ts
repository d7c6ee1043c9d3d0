import { afterAll, beforeAll, expect, test } from "bun:test";
import { request } from "node:http";
import { CLIENT_KEY, type Gateway, KEYS_TOML, startGateway } from "../kit/gateway.ts";
import { describeKind } from "./kind.ts";
import { kind } from "./kinds/websocket-probes.ts";

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

describeKind(kind, () => {
  let gateway: Gateway;
  beforeAll(async () => {
    const upstream = `[[upstreams]]\nname = "u"\nfamily = "openai"\nbase_url = "http://127.0.0.1:9/v1"`;
    gateway = await startGateway({
      toml: `${KEYS_TOML}\n${upstream}\n[[upstreams.credentials]]\nname = "c"\napi_key = "sk-none"`,
    });
  });
  afterAll(() => gateway.close());

  /** An upgrade as a client of WebSockets sends it. */
  function probe(path: string, headers: Record<string, string> = {}): Promise<Answer> {
    const handshake = {
      connection: "Upgrade",
      upgrade: "websocket",
      "sec-websocket-version": "13",
      "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
      authorization: `Bearer ${CLIENT_KEY}`,
    };
    return new Promise((resolve, reject) => {
      const call = request(gateway.url + path, { headers: { ...handshake, ...headers } }, (reply) => {
        let body = "";
        reply.on("data", (bytes: Buffer) => {
          body += bytes.toString();
        });
        reply.on("end", () => resolve({ status: reply.statusCode ?? 0, headers: reply.headers, body }));
      });
      call.on("upgrade", () => reject(new Error("the gateway switched protocols")));
      call.on("error", reject);
      call.end();
    });
  }

  test("reported: the probe of Codex on /v1/responses gets 426", async () => {
    const answer = await probe("/v1/responses", { "openai-beta": "responses_websockets=2026-02-06" });
    expect(answer.status).toBe(426);
    expect(answer.headers.upgrade).toBe("HTTP/1.1");
    expect(JSON.parse(answer.body).error).toMatchObject({ code: "upgrade_refused" });
    expect(answer.body).toContain("send plain HTTP requests");
  });

  for (const path of [
    "/v1/chat/completions",
    "/responses",
    "/v1/messages",
    "/v1beta/models/m:streamGenerateContent",
    "/v1/responses/resp_1",
    "/v1/models",
    "/healthz",
  ]) {
    test(`a WebSocket on ${path} gets 426, also one that names a version or another protocol`, async () => {
      for (const upgrade of ["websocket", "WebSocket", "h2c, websocket/13"]) {
        const answer = await probe(path, { upgrade });
        expect([upgrade, answer.status]).toEqual([upgrade, 426]);
        expect(answer.body).toContain("WebSocket");
      }
    });
  }

  test("the refusal has the form of the route's dialect", async () => {
    const messages = JSON.parse((await probe("/v1/messages")).body);
    expect(messages).toMatchObject({ type: "error", error: { type: "invalid_request_error" } });
    const gemini = JSON.parse((await probe("/v1beta/models/m:generateContent")).body);
    expect(gemini).toMatchObject({ error: { code: 426 } });
  });

  test("a path that is not there is 404, a wrong method without an upgrade 405", async () => {
    expect((await probe("/v1/realtime")).status).toBe(404);
    expect((await probe("/admin/api/status")).status).toBe(404);
    const plain = await fetch(`${gateway.url}/v1/responses`);
    expect(plain.status).toBe(405);
    await plain.text();
  });

  test("an upgrade to HTTP/2, which a server may ignore, is ignored", async () => {
    const answer = await probe("/v1/models", { upgrade: "h2c", connection: "Upgrade, HTTP2-Settings" });
    expect(answer.status).toBe(200);
  });
});
