import { expect, test } from "bun:test";
import { DIRECT } from "../config/network/via.ts";
import { isPublicAddress } from "../core/addresses/public-address.ts";
import { viaProxy } from "./dial/fixtures/proxies.ts";
import { guardTarget } from "./guarded-target.ts";

const isAllowed = (address: string | null, port: number): boolean =>
  (address === null || isPublicAddress(address)) && port === 443;
/** No name may be looked up here. */
const never = (): Promise<never> => Promise.reject(new Error("was looked up"));
const known =
  (...addresses: string[]) =>
  () =>
    Promise.resolve(addresses);

const SOCKS5 = viaProxy("socks5://proxy.example");
const SOCKS5H = viaProxy("socks5h://proxy.example");

test("a name goes to the addresses that were checked, where it is looked up here", async () => {
  for (const via of [DIRECT, SOCKS5]) {
    const guard = { isAllowed, via, proxyRefusesPrivate: false };
    const target = new URL("https://files.example/");
    expect(await guardTarget(target, { ...guard, resolve: known("1.1.1.1") })).toEqual({
      isAllowed: true,
      addresses: ["1.1.1.1"],
    });
    expect(await guardTarget(target, { ...guard, resolve: known("1.1.1.1", "10.0.0.1") })).toMatchObject({
      why: "address",
    });
    expect(await guardTarget(target, { ...guard, resolve: never })).toMatchObject({ why: "unknown" });
  }
});

test("a name that only the proxy looks up goes there if the proxy refuses private addresses, and is never looked up here", async () => {
  for (const via of [SOCKS5H, viaProxy("http://proxy.example"), viaProxy("https://proxy.example")]) {
    const guard = { isAllowed, resolve: never, via };
    const ask = (url: string, proxyRefusesPrivate: boolean) =>
      guardTarget(new URL(url), { ...guard, proxyRefusesPrivate });
    expect(await ask("https://files.example/", true)).toEqual({ isAllowed: true });
    expect(await ask("https://files.example/", false)).toMatchObject({ isAllowed: false, why: "unchecked" });
    expect(await ask("https://files.example:8443/", true)).toMatchObject({
      isAllowed: false,
      why: "address",
    });
    for (const isSaid of [true, false]) {
      expect(await ask("https://169.254.169.254/", isSaid)).toMatchObject({
        isAllowed: false,
        why: "address",
      });
      expect(await ask("https://[::1]/", isSaid)).toMatchObject({ isAllowed: false, why: "address" });
      expect(await ask("https://1.1.1.1/", isSaid)).toEqual({ isAllowed: true, addresses: ["1.1.1.1"] });
    }
  }
});

test("a host that is reached past the proxy is checked here", async () => {
  const via = { ...SOCKS5H, noProxy: ["files.example"] };
  const guard = { isAllowed, via, proxyRefusesPrivate: true, resolve: known("10.0.0.1") };
  expect(await guardTarget(new URL("https://files.example/"), guard)).toMatchObject({ why: "address" });
});
