import { expect, test } from "bun:test";
import { FAMILIES } from "./index.ts";
import { UrlMemo } from "./url-memo.ts";

test("a URL is that of the family, however often and in whatever order it is asked for", () => {
  for (const family of Object.values(FAMILIES)) {
    const baseUrl = family.defaultBaseUrl;
    const server = { baseUrl, profile: family.profileOf(baseUrl) };
    const memo = new UrlMemo(family, server);
    for (let round = 0; round < 3; round++) {
      for (const path of ["/v1/chat/completions", "/v1/messages", "/v1beta/models/m:generateContent?a=b"]) {
        for (const model of ["m", "other"]) {
          for (const isStream of [false, true]) {
            expect(memo.urlOf(path, model, isStream)).toBe(family.url(server, path, model, isStream));
          }
        }
      }
    }
  }
});

test("paths without end, and long ones, are not all kept", () => {
  let made = 0;
  const family = { url: (_: unknown, path: string) => `${path}#${++made}` };
  const baseUrl = FAMILIES.openai.defaultBaseUrl;
  const memo = new UrlMemo(family, { baseUrl, profile: FAMILIES.openai.profileOf(baseUrl) });
  const first = memo.urlOf("/first", "m", false);
  expect(memo.urlOf("/first", "m", false)).toBe(first);
  for (let i = 0; i < 1_000; i++) memo.urlOf(`/v1/responses/${i}`, "m", false);
  expect(memo.urlOf("/first", "m", false)).not.toBe(first);
  const long = `/${"x".repeat(10_000)}`;
  expect(memo.urlOf(long, "m", false)).not.toBe(memo.urlOf(long, "m", false));
});
