// What somebody without a key is told, and by which names: a page of another site can have a name of its own lead here.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { hostname } from "node:os";
import {
  CLIENT_KEY,
  type Gateway,
  KEYS_TOML,
  METRICS_KEY,
  METRICS_TOML,
  startGateway,
  upstreamToml,
} from "../kit/gateway.ts";
import { request } from "../kit/raw-client.ts";

const ADMIN_TOML = '[admin]\npassword = "a long password for the admin"\n';
const UPSTREAM = upstreamToml("openai", "openai", "http://127.0.0.1:9/v1", {
  credentials: { main: "env:NO_SUCH_VARIABLE_OF_AN_OPERATOR", other: "sk-other-credential" },
});
const GOOD = upstreamToml("openai", "openai", "http://127.0.0.1:9/v1");
const OPEN_PAGES = ["/", "/healthz", "/readyz", "/metrics", "/admin", "/admin/api/session"];

let gateway: Gateway;
let behindProxy: Gateway;
beforeAll(async () => {
  const toml = [METRICS_TOML, ADMIN_TOML, KEYS_TOML, GOOD].join("\n");
  gateway = await startGateway({ toml });
  behindProxy = await startGateway({ toml, server: 'trusted_proxies = ["127.0.0.0/8"]' });
});
afterAll(async () => {
  await gateway?.close();
  await behindProxy?.close();
});

const ask = async (path: string, host: string, at = gateway, key: string | null = null) =>
  await request(at.port, path, { headers: { host }, key });

test("a stranger learns no version, and of readiness only whether it is", async () => {
  const root = await ask("/", "127.0.0.1");
  expect(JSON.parse(root.body.toString())).toEqual({ name: "clewline" });
  const ready = await ask("/readyz", "127.0.0.1");
  expect([ready.status, JSON.parse(ready.body.toString())]).toEqual([200, { status: "ready" }]);
  for (const key of [CLIENT_KEY, "wrong"]) {
    const again = await ask("/readyz", "127.0.0.1", gateway, key);
    expect(JSON.parse(again.body.toString())).toEqual({ status: "ready" });
  }
  const detailed = await ask("/readyz", "127.0.0.1", gateway, METRICS_KEY);
  expect(JSON.parse(detailed.body.toString())).toMatchObject({ problems: [], credentials: { all: 1 } });
});

test("a rejected configuration is no matter of strangers", async () => {
  gateway.configure({ toml: [METRICS_TOML, ADMIN_TOML, KEYS_TOML, UPSTREAM].join("\n") });
  const details = async () => (await ask("/readyz", "localhost", gateway, METRICS_KEY)).body.toString();
  while (!(await details()).includes("NO_SUCH_VARIABLE")) await Bun.sleep(20);
  expect((await ask("/readyz", "localhost")).body.toString()).not.toContain("NO_SUCH_VARIABLE");
  gateway.configure({ toml: [METRICS_TOML, ADMIN_TOML, KEYS_TOML, GOOD].join("\n") });
});

describe("pages without a client's key", () => {
  test.each([
    "127.0.0.1",
    "127.0.0.1:8484",
    "10.1.2.3",
    "[::1]",
    "[2001:db8::1]:8484",
    "localhost",
    "LOCALHOST:1",
    "clewline.localhost",
    "gateway",
    "gateway:8484",
    "gateway.local",
    "clewline.prod.internal",
    hostname(),
  ])("answer to %s", async (host) => {
    for (const path of ["/", "/healthz", "/readyz"]) expect((await ask(path, host)).status).toBe(200);
    expect((await ask("/metrics", host, gateway, METRICS_KEY)).status).toBe(200);
  });

  test.each([
    "evil.example",
    "gateway.example.com:8484",
    "127.0.0.1.nip.io",
    "local.evil.example",
    "x.local.evil.example",
    "evil.example.",
    "2130706433",
    "0x7f000001",
  ])("do not answer to %s, and say which line would let them", async (host) => {
    for (const path of OPEN_PAGES) {
      const reply = await ask(path, host, gateway, METRICS_KEY);
      expect([path, reply.status]).toEqual([path, 400]);
      expect(reply.body.toString()).toContain(
        `hosts = [\\"${host.replace(/:\d+$/, "").replace(/\.$/, "")}\\"]`,
      );
    }
  });

  test("answer to any name that a trusted proxy passes on", async () => {
    for (const path of ["/", "/healthz", "/readyz"])
      expect((await ask(path, "gateway.example.com", behindProxy)).status).toBe(200);
  });
});

test("routes that ask for a key answer to every name: a page that was led here has none", async () => {
  expect((await ask("/v1/models", "gateway.example.com", gateway, CLIENT_KEY)).status).toBe(200);
});

test("guesses at keys wait for their answer, and a right key that comes behind them waits for none", async () => {
  const order: string[] = [];
  const asked = async (key: string): Promise<void> => {
    const { status } = await ask("/v1/models", "127.0.0.1", gateway, key);
    order.push(`${status}`);
  };
  await Promise.all([...Array.from({ length: 40 }, (_, n) => asked(`guess-${n}`)), asked(CLIENT_KEY)]);
  expect(order).toEqual(["200", ...Array.from({ length: 40 }, () => "401")]);
});

test("server.hosts lets more names in, and keeps all others out", async () => {
  const named = await startGateway({
    toml: [KEYS_TOML, GOOD].join("\n"),
    server: 'hosts = ["gateway.example.com"]',
  });
  try {
    expect((await ask("/healthz", "gateway.example.com", named)).status).toBe(200);
    expect((await ask("/healthz", "127.0.0.1", named)).status).toBe(200);
    expect((await ask("/healthz", "other.example.com", named)).status).toBe(400);
    expect((await ask("/v1/models", "other.example.com", named, CLIENT_KEY)).status).toBe(400);
  } finally {
    await named.close();
  }
});
