import { afterAll, beforeAll, expect, test } from "bun:test";
import { CLIENT_KEY, type Gateway, KEYS_TOML, startGateway, upstreamToml } from "../kit/gateway.ts";
import { exchangeBytes } from "../kit/raw-client.ts";
import { describeKind } from "./kind.ts";
import { kind } from "./kinds/health-without-host.ts";

const PAGES = ["/", "/healthz", "/readyz", "/healthz/", "/readyz/"];
const OTHERS = ["GET /v1/models", "GET /metrics", "POST /v1/messages", "POST /v1/chat/completions"];

describeKind(kind, () => {
  let open: Gateway;
  let named: Gateway;
  beforeAll(async () => {
    const toml = KEYS_TOML + upstreamToml("u", "openai", "http://127.0.0.1:9/v1");
    [open, named] = await Promise.all([
      startGateway({ toml }),
      startGateway({ toml, server: 'hosts = ["gateway.example"]' }),
    ]);
  });
  afterAll(async () => {
    await open?.close();
    await named?.close();
  });

  const statusOf = async (gateway: Gateway, lines: readonly string[]): Promise<number> =>
    (await exchangeBytes(gateway.port, `${lines.join("\r\n")}\r\n\r\n`)).status;

  test("reported: what HAProxy sends for `option httpchk` is answered with 2xx", async () => {
    for (const line of ["OPTIONS / HTTP/1.0", "GET /healthz HTTP/1.0"]) {
      const status = await statusOf(open, [line]);
      expect([line, Math.floor(status / 100)]).toEqual([line, 2]);
    }
  });

  for (const method of ["GET", "HEAD", "OPTIONS"]) {
    for (const version of ["1.0", "1.1"]) {
      test(`${method} in HTTP/${version}, ${version === "1.0" ? "without a Host and " : ""}with an empty one`, async () => {
        for (const gateway of [open, named]) {
          for (const page of PAGES) {
            // RFC 9112 section 3.2: HTTP/1.1 without a Host is refused, and the runtime does that itself.
            for (const host of version === "1.0" ? [[], ["Host:"]] : [["Host:"]]) {
              const lines = [`${method} ${page} HTTP/${version}`, ...host, "Connection: close"];
              const status = await statusOf(gateway, lines);
              expect([lines, Math.floor(status / 100)]).toEqual([lines, 2]);
            }
          }
        }
      });
    }
  }

  test("a Host that is there must still be a good one", async () => {
    for (const [gateway, host] of [
      [open, "a b"],
      [open, "user@host"],
      [named, "elsewhere.example"],
    ] as const) {
      for (const page of PAGES)
        expect([
          host,
          await statusOf(gateway, [`GET ${page} HTTP/1.1`, `Host: ${host}`, "Connection: close"]),
        ]).toEqual([host, 400]);
    }
  });

  for (const line of OTHERS) {
    test(`${line} still needs a Host`, async () => {
      for (const version of ["1.0", "1.1"]) {
        const lines = [`${line} HTTP/${version}`, `Authorization: Bearer ${CLIENT_KEY}`, "Connection: close"];
        expect(await statusOf(open, [...lines, "Content-Length: 0"])).toBe(400);
      }
    });
  }
});
