/** A77: with origins of other sites allowed, a page of theirs reads what its key may read, and nothing that asks for no key. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { ADMIN_TOML } from "../flow/admin/admin-client.ts";
import { freePort } from "../kit/free-port.ts";
import {
  CLIENT_KEY,
  type Gateway,
  KEYS_TOML,
  METRICS_KEY,
  startGateway,
  upstreamToml,
} from "../kit/gateway.ts";

const ORIGIN = "https://elsewhere.example";
const ALLOWED = "access-control-allow-origin";

let gateway: Gateway;
let metricsPort = 0;
beforeAll(async () => {
  metricsPort = await freePort();
  gateway = await startGateway({
    server: 'cors_origins = ["*"]',
    toml: [
      KEYS_TOML,
      ADMIN_TOML,
      `[metrics]\nport = ${metricsPort}\n`,
      upstreamToml("up", "openai", "http://127.0.0.1:1/v1"),
    ].join("\n"),
  });
});
afterAll(() => gateway?.close());

const ask = (url: string, method = "GET", key = METRICS_KEY): Promise<Response> =>
  fetch(url, { method, headers: { origin: ORIGIN, authorization: `Bearer ${key}` } });

test.each(["/", "/healthz", "/readyz", "/metrics", "/admin", "/admin/api/session", "/admin/api/keys"])(
  "A77 %s is read by no page of another site",
  async (path) => {
    for (const method of ["GET", "OPTIONS"])
      expect((await ask(gateway.url + path, method)).headers.get(ALLOWED)).toBeNull();
  },
);

test("A77 nor is the port of the metrics, for which its network is all that one needs", async () => {
  const reply = await ask(`http://127.0.0.1:${metricsPort}/metrics`);
  expect([reply.status, reply.headers.get(ALLOWED)]).toEqual([200, null]);
});

test("A77 with a client's key a page reads what the key may read", async () => {
  const reply = await ask(`${gateway.url}/v1/models`, "GET", CLIENT_KEY);
  expect([reply.status, reply.headers.get(ALLOWED)]).toEqual([200, ORIGIN]);
  const before = await ask(`${gateway.url}/v1/chat/completions`, "OPTIONS", CLIENT_KEY);
  expect([before.status, before.headers.get(ALLOWED)]).toEqual([204, ORIGIN]);
});
