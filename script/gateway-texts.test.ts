/** Everything that the gateway tells people in the admin has its Chinese, and no Chinese is left of what it does not tell. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { GATEWAY_ZH_CN } from "../ui/src/locales/gateway/zh-cn.ts";
import { FURTHER, gatewayTexts } from "./gateway-texts.ts";

const TEXTS = gatewayTexts(join(import.meta.dir, ".."));

test("the sources tell many texts, of every kind", () => {
  expect(TEXTS.size).toBeGreaterThan(400);
  for (const text of [
    "Address to listen on. `0.0.0.0` or `::` for all addresses.",
    'there is no key "{0}"',
    "is not an e-mail address",
    "The provider limits requests now. It is asked again when the time is over.",
    "the key was reported as leaked",
    "refuses the call with status {0}",
  ])
    expect([text, TEXTS.has(text)]).toEqual([text, true]);
});

test("each text of the gateway has its Chinese in ui/src/locales/gateway", () => {
  const missing = [...TEXTS, ...FURTHER].filter((text) => !Object.hasOwn(GATEWAY_ZH_CN, text));
  expect(missing).toEqual([]);
});

test("each entry there is a text of the gateway", () => {
  const known = new Set([...TEXTS, ...FURTHER]);
  expect(Object.keys(GATEWAY_ZH_CN).filter((text) => !known.has(text))).toEqual([]);
});
