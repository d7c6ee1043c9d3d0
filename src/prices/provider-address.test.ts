import { expect, test } from "bun:test";
import { PriceBook } from "./price-book.ts";
import { builtInPrices } from "./price-files.ts";
import { isAtAddress, isProviderAddress, placeOfUrl } from "./provider-address.ts";

const list = await builtInPrices();
const book = new PriceBook(list, []);
const all = list.providers.flatMap(({ id, addresses }) => addresses.map((address) => ({ id, address })));

/** An address with every `*` filled in, as its host and its path. */
function example(address: string): readonly [host: string, path: string] {
  const [host = "", ...path] = address.replaceAll("*", "x1").split("/");
  return [host, path.map((segment) => `/${segment}`).join("")];
}

test("every address of the list is a provider's, and a name below it is a region there", () => {
  for (const { id, address } of all) {
    expect([address, isProviderAddress(address)]).toEqual([address, true]);
    const [host, path] = example(address);
    for (const url of [
      `https://${host}${path}`,
      `https://${host.toUpperCase()}:443${path}/v1?a=b`,
      `https://${host}.${path}/`,
      `https://user:secret@${host}${path}/v1`,
    ])
      expect([url, book.providerAt(url)]).toEqual([url, { provider: id, region: null }]);
    // With a star in front, the name below may be another address of the same list.
    expect([address, book.providerAt(`https://eu.${host}${path}/v1`)?.provider]).toEqual([address, id]);
  }
});

const LOOK_ALIKES: readonly ((host: string, path: string) => string)[] = [
  (host, path) => `https://${host}.proxy.example${path}/v1`,
  (host, path) => `https://${host}-proxy.example${path}`,
  (host, path) => `https://${host}x${path}`,
  (host, path) => `https://x${host}.evil.example${path}`,
  (host, path) => `https://${host.replaceAll(".", "-")}.example${path}`,
  (host, path) => `https://${host.replaceAll(".", "x")}${path}`,
  (host, path) => `https://${host}@proxy.example${path}`,
  (host, path) => `https://${host}:secret@proxy.example${path}`,
  (host, path) => `https://proxy.example/${host}${path}`,
  (host, path) => `https://proxy/${host}${path}`,
  (host, path) => `https://proxy.example/https://${host}${path}`,
  (host, path) => `https://proxy.example?https://${host}${path}`,
  (host, path) => `https://proxy.example#${host}${path}`,
  (host, path) => `https://proxy.example\\${host}${path}`,
  (host, path) => `https://${host.slice(host.indexOf(".", host.indexOf(".") + 1) + 1)}.example${path}`,
  (host, path) => `https://a.b.c.d.e.${host}.f.g${path}`,
  (host, path) => `https://${host.replace("a", "\u0430")}.example${path}`,
  (host, path) => `http://${host}${path}`,
  (host, path) => `ftp://${host}${path}`,
];

test("hosts that only look like a provider's are nobody's", () => {
  for (const { address } of all)
    for (const imitate of LOOK_ALIKES) {
      const url = imitate(...example(address));
      expect([url, book.providerAt(url)]).toEqual([url, null]);
    }
});

test("a path is compared by segments", () => {
  for (const { address } of all) {
    const [host, path] = example(address);
    if (path === "") continue;
    for (const other of [`${path}x`, `/x${path}`, path.slice(0, path.lastIndexOf("/")), ""])
      expect([address, other, book.providerAt(`https://${host}${other}`)]).toEqual([address, other, null]);
  }
});

test("a star is one label or one segment, and never nothing", () => {
  const at = (url: string, address: string): boolean => {
    const place = placeOfUrl(url);
    return place !== null && isAtAddress(place, address);
  };
  expect(at("https://a.maker.test", "*.maker.test")).toBe(true);
  expect(at("https://a.b.maker.test", "*.maker.test")).toBe(false);
  expect(at("https://maker.test", "*.maker.test")).toBe(false);
  expect(at("https://.maker.test", "*.maker.test")).toBe(false);
  expect(at("https://maker.test/a/ai", "maker.test/*/ai")).toBe(true);
  expect(at("https://maker.test/ai", "maker.test/*/ai")).toBe(false);
});

test("what is no URL is nobody's", () => {
  for (const text of ["", "api.openai.com", "https://", "//api.openai.com"])
    expect(book.providerAt(text)).toBeNull();
});

test("addresses that would match too much, or never, are refused", () => {
  for (const text of [
    "",
    "*",
    "*.*",
    "*.com",
    "a.*",
    "API.maker.test",
    "https://a.test",
    "a.test:8000",
    "a.test/",
  ])
    expect([text, isProviderAddress(text)]).toEqual([text, false]);
});
