// What is tried on the admin from outside, by a page, and by what clients and upstreams have written into what it shows.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { answerWell } from "../faults/asking.ts";
import { ADMIN_TOML, type AdminClient, PASSWORD, signIn } from "../flow/admin/admin-client.ts";
import { CLIENT_KEY, type Gateway, startGateway, until } from "../kit/gateway.ts";
import { openClient } from "../kit/raw-client.ts";
import { type RawUpstream, startRawUpstream } from "../kit/raw-upstream.ts";
import { CHAT, familiesToml } from "../kit/recordings.ts";

const MB = 2 ** 20;
const CAPTURE_BYTES = 16 * MB;
/** Stand in the file alone. */
const SECRETS = ["sk-openai-credential", "sk-gemini-credential", CLIENT_KEY, PASSWORD];

let upstream: RawUpstream;
let gateway: Gateway;
let admin: AdminClient;
beforeAll(async () => {
  upstream = await startRawUpstream((arrived) => answerWell(arrived), { lists: "apart" });
  gateway = await startGateway({
    toml: [
      ADMIN_TOML,
      `[capture]\nenabled = true\nmax_bytes = ${CAPTURE_BYTES}\n`,
      `[[keys]]\nname = "tester"\nkey = "${CLIENT_KEY}"\ncapture = true\n`,
      familiesToml(upstream.url),
    ].join("\n"),
  });
  admin = await signIn(gateway);
});
afterAll(async () => {
  const log = gateway.log();
  await gateway?.close();
  await upstream?.close();
  expect(log.split("\n").filter((line) => line.includes("exception"))).toEqual([]);
});

async function raw(target: string, more = ""): Promise<{ status: number; text: string; type: string }> {
  const client = await openClient(gateway.port);
  client.send(
    Buffer.from(`GET ${target} HTTP/1.1\r\nHost: 127.0.0.1:${gateway.port}\r\n${more}\r\n`, "latin1"),
  );
  const { status, raw: bytes, headers } = await client.reply();
  client.leave();
  return { status, text: bytes.toString("latin1"), type: headers.get("content-type") ?? "" };
}

async function chat(
  body: string | Uint8Array,
  headers: Readonly<Record<string, string>> = {},
): Promise<string> {
  const reply = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${CLIENT_KEY}`, ...headers },
    body: body as string,
  });
  await reply.arrayBuffer();
  return reply.headers.get("x-request-id") ?? "";
}

describe("a path of the admin", () => {
  test.each([
    "/admin/../clewline.toml",
    "/admin/%2e%2e/%2e%2e/etc/passwd",
    "/admin/..%2f..%2fclewline.toml",
    "/admin/assets/..%2f..%2f..%2fclewline.toml",
    "/admin/assets/../../clewline.toml",
    "/admin/assets/%2e%2e%5c%2e%2e%5cclewline.toml",
    "/admin/assets/..\\..\\clewline.toml",
    "/admin/assets//etc/passwd",
    "/admin/assets/%00/clewline.toml",
    "/admin/assets/index.html%00.js",
    "/admin/assets/__proto__",
    "/admin/assets/constructor",
    "/admin/file:///etc/passwd",
    "/admin/api/../api/keys",
    "/admin/api/%2e%2e/keys",
    "/admin//api/keys",
    "/admin/api/keys%2f",
    "/admin/api/keys;x=1",
    "/admin/api/requests/..%2fkeys/capture",
    "/admin/api/__proto__",
    `/admin/${"a/".repeat(400)}`,
  ])("leads to no file and past no sign-in: %s", async (target) => {
    const { status, text, type } = await raw(target);
    for (const secret of SECRETS) expect(text).not.toContain(secret);
    expect(text).not.toContain("root:");
    expect(text).not.toContain("[[keys]]");
    if (status === 200) expect(type).toStartWith("text/html");
    if (target.startsWith("/admin/api/")) expect(status).toBeGreaterThanOrEqual(400);
  });
});

describe("a cookie", () => {
  test("that is none, doubled, huge, or of another name opens nothing", async () => {
    const id = "0".repeat(64);
    for (const cookie of [
      `clewline_admin=${id}`,
      `clewline_admin=${id}; clewline_admin=${id}`,
      "clewline_admin=",
      "clewline_admin",
      "clewline_admin=__proto__",
      "clewline_admin=%00",
      "clewline_admin=' OR 1=1 --",
      `__Host-clewline_admin=${id}`,
      "clewline_admin=a".repeat(500),
      Array.from({ length: 300 }, (_, n) => `c${n}=${n}`).join("; "),
    ]) {
      const { status } = await raw("/admin/api/keys", `Cookie: ${cookie}\r\n`);
      expect([cookie.slice(0, 40), status >= 400 && status < 500]).toEqual([cookie.slice(0, 40), true]);
    }
  });
});

describe("a call of somebody who has signed in", () => {
  test("cannot reach beyond the settings by a path", async () => {
    const { body } = await admin("GET", "/settings");
    for (const path of [
      "__proto__.polluted",
      "server.__proto__.polluted",
      "constructor.prototype.polluted",
      'server["__proto__"]',
      "upstreams[0].__proto__.name",
      "upstreams[-1].name",
      "upstreams[1e9].name",
      "upstreams[999999999].name",
      "keys[0]..key",
      "a".repeat(512),
      "[".repeat(512),
    ]) {
      const reply = await admin("POST", "/settings", {
        version: body.version,
        changes: [{ path, value: "yes" }],
      });
      expect([path, reply.status >= 400 && reply.status < 500]).toEqual([path, true]);
    }
    const deep = JSON.parse(`${'{"a":'.repeat(5_000)}1${"}".repeat(5_000)}`);
    const reply = await admin("POST", "/settings", {
      version: body.version,
      changes: [{ path: "server", value: deep }],
    });
    expect([400, 413, 422]).toContain(reply.status);
    expect((await admin("GET", "/settings")).text).not.toContain("polluted");
  });

  test("gets no row by words of SQL, and no error of SQL", async () => {
    await chat(CHAT.body(false));
    for (const word of ["' OR '1'='1", "%_\\", "x'; DROP TABLE rows; --\u0000", "*(".repeat(100)]) {
      const value = encodeURIComponent(word);
      for (const query of [
        `text=${value}&key=${value}&model=${value}&upstream=${value}`,
        `cursor=${value}`,
      ]) {
        const { status, text } = await admin("GET", `/requests?${query}`);
        expect([word, status < 500, /sqlite|syntax/i.test(text)]).toEqual([word, true, false]);
      }
    }
  });

  test("cannot have times and numbers that are none", async () => {
    for (const word of ["NaN", "-1", "1e999", "0x10", "", "9007199254740993", "__proto__"]) {
      for (const query of [
        `from=${word}&to=${word}`,
        `limit=${word}`,
        `${word}=${word}`,
        `__proto__=${word}`,
        `from=0&to=${word}`,
      ]) {
        for (const path of ["/overview", "/keys"]) {
          const { status } = await admin("GET", `${path}?${query}`);
          expect([path, query, status < 500]).toEqual([path, query, true]);
        }
      }
    }
  });

  test("cannot choose what an export costs to open", async () => {
    const exported = await admin("POST", "/settings/export", {
      passphrase: "a long passphrase",
      currentPassword: PASSWORD,
    });
    expect(exported.status).toBe(200);
    const sealed = JSON.parse(exported.body.text);
    const { body } = await admin("GET", "/settings");
    for (const change of [
      { kdf: "scrypt N=1073741824 r=64 p=64" },
      { salt: "" },
      { salt: "A".repeat(100_000) },
      { nonce: "" },
      { data: "" },
      { data: "AAAA" },
      { format: "__proto__" },
    ]) {
      const text = JSON.stringify({ ...sealed, ...change });
      const reply = await admin("POST", "/settings/import", {
        version: body.version,
        text,
        passphrase: "a long passphrase",
        isTrial: true,
      });
      // The parameters are the program's own, so the first one opens.
      expect([change, reply.status]).toEqual([change, "kdf" in change ? 200 : 422]);
    }
  });
});

describe("what clients have written", () => {
  const HOSTILE = "x\n\nevent: snapshot\ndata: {}\n\nid: 9\u2028<script>alert(1)</script>";

  test("ends no event of the live stream", async () => {
    const entered = await fetch(`${gateway.url}/admin/api/session`, {
      method: "POST",
      headers: { "content-type": "application/json", origin: gateway.url },
      body: JSON.stringify({ password: PASSWORD }),
    });
    const cookie = (entered.headers.get("set-cookie") ?? "").split(";")[0] ?? "";
    const live = await fetch(`${gateway.url}/admin/api/live`, {
      headers: { cookie, "last-event-id": HOSTILE.replace(/[^ -~]/g, "") },
    });
    const reader = live.body?.getReader();
    let text = "";
    const asked = chat(CHAT.body(false).replace('"gpt-4.1"', JSON.stringify(HOSTILE)));
    await until("the request is told", async () => {
      const piece = await reader?.read();
      text += new TextDecoder().decode(piece?.value);
      return text.includes("alert(1)");
    });
    await asked;
    await reader?.cancel();
    for (const line of text.slice(0, text.lastIndexOf("\n\n")).split("\n")) {
      expect(line).toMatch(/^(?:$|:|id: ?[\w.:-]*$|event: ?\w+$|retry: ?\d+$|data: ?[[{"].*)/);
      if (line.startsWith("data:")) JSON.parse(line.slice(5));
    }
  });

  test("is shown as JSON that no browser takes for a page", async () => {
    const id = await chat(CHAT.body(false).replace('"go"', JSON.stringify("<script>alert(1)</script>")));
    await until("it is captured", async () => (await admin("GET", `/requests/${id}/capture`)).status === 200);
    const entered = await signInHeaders();
    for (const path of [`/requests/${id}/capture`, `/requests/${id}`, "/requests"]) {
      const reply = await fetch(`${gateway.url}/admin/api${path}`, { headers: entered });
      expect([reply.headers.get("content-type"), reply.headers.get("x-content-type-options")]).toEqual([
        expect.stringContaining("application/json"),
        "nosniff",
      ]);
      expect(reply.headers.get("cache-control")).toContain("no-store");
    }
  });

  test("and what is unpacked of it, is kept within the bounds of what is captured", async () => {
    const restBytes = gateway.rssBytes();
    const prompt = "a".repeat(20 * MB);
    for (let n = 0; n < 6; n++)
      await chat(gzipSync(CHAT.body(false).replace('"go"', `"${prompt}${n}"`)), {
        "content-encoding": "gzip",
      });
    await until("the last one is written", async () => (await admin("GET", "/captures")).body.count > 0);
    const { body } = await admin("GET", "/captures");
    expect(body.bytes).toBeLessThanOrEqual(CAPTURE_BYTES);
    expect(readFileSync(`${gateway.folder}/data/capture.db`).length).toBeLessThan(CAPTURE_BYTES * 2);
    expect(gateway.rssBytes() - restBytes).toBeLessThan(400 * MB);
  });

  const signInHeaders = async (): Promise<Record<string, string>> => {
    const entered = await fetch(`${gateway.url}/admin/api/session`, {
      method: "POST",
      headers: { "content-type": "application/json", origin: gateway.url },
      body: JSON.stringify({ password: PASSWORD }),
    });
    return { cookie: (entered.headers.get("set-cookie") ?? "").split(";")[0] ?? "" };
  };
});
