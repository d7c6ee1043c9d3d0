import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { packUi } from "../../script/build-ui.ts";
import { UiPackSource } from "../http/ui-pack.ts";
import { answerUiPage } from "./ui-page.ts";

const HTML = "<!doctype html><title>Clewline</title>";
const SCRIPT = 'console.log("hello");'.repeat(50);
const folder = mkdtempSync(join(tmpdir(), "clewline-ui-"));
const path = join(folder, "ui.pack");
const source = new UiPackSource(path);

beforeAll(() => {
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
  writeFileSync(
    path,
    packUi(
      new Map([
        ["index.html", bytes(HTML)],
        ["assets/app-1a2b3c4d.js", bytes(SCRIPT)],
      ]),
    ),
  );
});
afterAll(() => rmSync(folder, { recursive: true }));

const ask = (place: string, headers: Record<string, string> = {}, method = "GET"): Promise<Response> =>
  answerUiPage(source, { method, headers: new Headers(headers) }, place);

test("every path that pages route themselves gets the page", async () => {
  for (const place of ["", "index.html", "pool", "keys/a key", "requests/01J", "__proto__", "constructor"]) {
    const reply = await ask(place);
    expect([place, reply.status, await reply.text()]).toEqual([place, 200, HTML]);
    expect(reply.headers.get("cache-control")).toBe("no-cache");
    expect(reply.headers.get("content-type")).toBe("text/html; charset=utf-8");
  }
});

test("a file that is not there is no page", async () => {
  const reply = await ask("assets/app-00000000.js");
  expect(reply.status).toBe(404);
  expect(reply.headers.get("content-type")).toBe("text/plain; charset=utf-8");
});

test("a hashed file is kept for ever, in the coding that the client takes", async () => {
  const file = "assets/app-1a2b3c4d.js";
  const br = await ask(file, { "accept-encoding": "gzip, deflate, br, zstd" });
  expect(br.headers.get("content-encoding")).toBe("br");
  expect(br.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
  expect(brotliDecompressSync(await br.bytes()).toString()).toBe(SCRIPT);
  const gzip = await ask(file, { "accept-encoding": "br;q=0, gzip" });
  expect(gzip.headers.get("content-encoding")).toBe("gzip");
  expect(gunzipSync(await gzip.bytes()).toString()).toBe(SCRIPT);
  const plain = await ask(file, { "accept-encoding": "identity" });
  expect(plain.headers.get("content-encoding")).toBeNull();
  expect(plain.headers.get("content-length")).toBe(String(SCRIPT.length));
  expect(await plain.text()).toBe(SCRIPT);
});

test("what a browser has kept is not sent again", async () => {
  const etag = (await ask("")).headers.get("etag") as string;
  for (const known of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
    const reply = await ask("", { "if-none-match": known });
    expect([known, reply.status, await reply.text()]).toEqual([known, 304, ""]);
    expect(reply.headers.get("content-security-policy")).toContain("default-src 'none'");
  }
  expect((await ask("", { "if-none-match": '"other"' })).status).toBe(200);
});

test("HEAD tells what GET would send, without sending it", async () => {
  const [get, head] = [
    await ask("", { "accept-encoding": "br" }),
    await ask("", { "accept-encoding": "br" }, "HEAD"),
  ];
  expect(await head.text()).toBe("");
  expect([...head.headers]).toEqual([...get.headers]);
});

test("every reply forbids inline scripts, other origins, frames and guessed types", async () => {
  for (const place of ["", "assets/app-1a2b3c4d.js", "assets/none.js"]) {
    const { headers } = await ask(place);
    const policy = headers.get("content-security-policy") ?? "";
    for (const part of [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "connect-src 'self'",
      "frame-ancestors 'none'",
      "base-uri 'none'",
      "require-trusted-types-for 'script'",
    ])
      expect(policy).toContain(part);
    expect(policy).not.toContain("unsafe");
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("referrer-policy")).toBe("no-referrer");
  }
});

test("a checkout whose pages are not built says how to build them", async () => {
  const none = new UiPackSource(join(folder, "none.pack"));
  const reply = await answerUiPage(none, { method: "GET", headers: new Headers() }, "");
  expect(reply.status).toBe(503);
  expect(await reply.text()).toContain("script/build-ui");
});

test("pages that are built anew take effect without a restart", async () => {
  const later = join(folder, "later.pack");
  const growing = new UiPackSource(later);
  const write = (text: string): void =>
    writeFileSync(later, packUi(new Map([["index.html", new TextEncoder().encode(text)]])));
  const read = async (): Promise<string> =>
    await (await answerUiPage(growing, { method: "GET", headers: new Headers() }, "")).text();
  write("first");
  expect(await read()).toBe("first");
  // The time of a file has whole milliseconds.
  await Bun.sleep(5);
  write("second, and longer");
  expect(await read()).toBe("second, and longer");
});
