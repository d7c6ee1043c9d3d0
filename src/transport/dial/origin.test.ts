import { expect, test } from "bun:test";
import { proxyFor } from "../../config/network/proxy-for.ts";
import { DIRECT } from "../../config/network/via.ts";
import { viaProxy } from "./fixtures/proxies.ts";
import { originOf, serverOrigin } from "./origin.ts";

const PROXIED = viaProxy("http://proxy.example:3128");

/** Whether the host is reached past the proxy. */
function isDirect(entry: string, host: string, port = 443): boolean {
  return proxyFor({ ...PROXIED, noProxy: [entry] }, host, port, true) === null;
}

test("hosts on the list are reached directly, with all below them, and no others", () => {
  for (const entry of ["example.com", ".example.com", "*.example.com", "EXAMPLE.com", "example.com:443"]) {
    for (const host of ["example.com", "a.example.com", "a.b.example.com"])
      expect([entry, host, isDirect(entry, host)]).toEqual([entry, host, true]);
    for (const host of ["badexample.com", "example.com.evil.test", "com", "10.0.0.1", "::1"])
      expect([entry, host, isDirect(entry, host)]).toEqual([entry, host, false]);
  }
  expect(isDirect("*", "anything.test")).toBe(true);
  expect(isDirect("example.com:8080", "example.com")).toBe(false);
  expect(isDirect("example.com:8080", "example.com", 8080)).toBe(true);
});

test("addresses and CIDRs mean addresses, in every spelling", () => {
  expect(isDirect("10.0.0.0/8", "10.1.2.3")).toBe(true);
  expect(isDirect("10.0.0.0/8", "::ffff:a01:203")).toBe(true);
  expect(isDirect("10.0.0.0/8", "11.0.0.1")).toBe(false);
  expect(isDirect("10.0.0.0/8", "10.example.com")).toBe(false);
  expect(isDirect("10.0.0.1:80", "10.0.0.1", 80)).toBe(true);
  expect(isDirect("[fd00::1]:80", "fd00::1", 80)).toBe(true);
  expect(isDirect("[fd00::1]:80", "fd00::1", 81)).toBe(false);
  expect(isDirect("fd00::/8", "fd12::9")).toBe(true);
});

test("each scheme has its own proxy, and what is no HTTP takes that of https", () => {
  const via = { ...PROXIED, httpProxy: null };
  expect(originOf("http://up.example/", via).proxy).toBeNull();
  expect(originOf("https://up.example/", via).proxy?.name).toBe("http://proxy.example:3128");
  const mail = { host: "mail.example", port: 587, isSecure: false, via, timeoutMs: 1 };
  expect(serverOrigin(mail).proxy?.name).toBe("http://proxy.example:3128");
});

test("two ways to one server have two keys, and the direct one is the origin itself", () => {
  expect(originOf("https://up.example:8443/v1?x", DIRECT).key).toBe("https://up.example:8443");
  expect(originOf("https://up.example:8443/v1?x", PROXIED).key).not.toBe("https://up.example:8443");
});
