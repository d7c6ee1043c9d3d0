// Forged requests: what a page of another site, or a name that it has led here, makes the browser of an admin send.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { AdminUnderTest, type CallOptions } from "./fixtures/admin-under-test.ts";

let under: AdminUnderTest;
let browser: Record<string, string> = {};
beforeAll(async () => {
  under = new AdminUnderTest();
  under.hosts = ["Gateway.example.com"];
  browser = await under.browser();
});
afterAll(() => under.close());

const create = { method: "POST", body: { name: "forged" } } as const;
const at = (host: string, more: Record<string, string> = {}): CallOptions => ({
  ...create,
  headers: { host, ...more },
});
const from = (origin: string): CallOptions => ({ ...create, headers: { origin } });

/** Each call has the cookie and the CSRF value of a session besides, unless it names others. */
const FORGED: readonly (readonly [what: string, options: CallOptions])[] = [
  ...[
    "evil.com",
    "localhost.evil.com",
    "127.0.0.1.evil.com",
    "127.0.0.1.nip.io",
    "localhost.",
    "localhost:80evil",
    "evil.com:8484",
    "gateway.example.com.",
    "gateway.example.com.evil.com",
    "evil-gateway.example.com",
    "xgateway.example.com",
    "localhostx",
    "0x7f000001",
    "2130706433",
    "127.1",
    "",
    "[::1].evil.com",
    "user@localhost",
    "localhost, evil.com",
  ].map((host) => [`a page at the name "${host}"`, at(host, { origin: `http://${host}` })] as const),
  ...[
    "http://evil.com",
    "https://evil.com",
    "null",
    "http://127.0.0.1:8485",
    "http://127.0.0.1",
    "http://127.0.0.1.evil.com:8484",
    "http://127.0.0.1:8484.evil.com",
    "http://localhost:8484",
    "file://",
    "chrome-extension://abcdef",
    "http://127.0.0.1:8484@evil.com",
    "http://evil.com/http://127.0.0.1:8484",
    "",
  ].map((origin) => [`a page of the origin "${origin}"`, from(origin)] as const),
  ...["cross-site", "same-site", "none", "unknown"].map(
    (site) => [`sec-fetch-site ${site}`, { ...create, headers: { "sec-fetch-site": site } }] as const,
  ),
  [
    "a form",
    {
      ...create,
      body: "name=forged",
      headers: { "content-type": "application/x-www-form-urlencoded" },
    },
  ],
  ["a form of text", { ...create, headers: { "content-type": "text/plain" } }],
  ["a call without the CSRF value", { ...create, headers: { "x-clewline-csrf": "" } }],
  [
    "a sign-in by another page",
    { method: "POST", headers: { origin: "http://evil.com" }, body: { password: "x" } },
  ],
];

test(`none of ${FORGED.length} forged requests does anything`, async () => {
  expect(FORGED.length).toBeGreaterThanOrEqual(40);
  for (const [what, options] of FORGED) {
    const forged = await under.call("keys", {
      ...options,
      headers: { ...browser, ...options.headers },
    });
    expect([what, [400, 403].includes(forged.status)]).toEqual([what, true]);
  }
  const list = await under.call("keys", { headers: browser });
  expect(await list.json()).toMatchObject({ keys: [] });
});

test("the admin's own page is let in, by each of its names and through a proxy that ends TLS", async () => {
  for (const [host, origin] of [
    ["127.0.0.1:8484", "http://127.0.0.1:8484"],
    ["localhost:8484", "http://localhost:8484"],
    ["LOCALHOST:8484", "http://localhost:8484"],
    ["[::1]:8484", "http://[::1]:8484"],
    ["192.168.1.7", "http://192.168.1.7"],
    ["gateway.example.com", "https://gateway.example.com"],
    ["gateway.example.com:443", "https://gateway.example.com"],
  ]) {
    const headers = { ...browser, host: host ?? "", origin: origin ?? "", "sec-fetch-site": "same-origin" };
    const reply = await under.call("keys/revoke", { method: "POST", headers, body: { names: ["none"] } });
    expect([host, reply.status]).toEqual([host, 404]);
  }
});
