import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { i18n } from "@lingui/core";
import { compiledCatalog } from "./compile-catalog.ts";
import { CATALOG } from "./messages.ts";

const MESSAGES = Object.entries<string>(CATALOG);
const SOURCE = join(import.meta.dir, "..");

/** The names in curly brackets at the outermost level. */
const namesIn = (message: string): readonly string[] =>
  [...new Set([...message.matchAll(/\{(\w+)[,}]/g)].map(([, name]) => name as string))]
    .filter((name) => !/^(?:#|\d)/.test(name))
    .sort();

test("every message is there in Chinese, with the same values", () => {
  for (const [english, chinese] of MESSAGES) {
    expect([english, chinese.trim() === ""]).toEqual([english, false]);
    expect([english, namesIn(chinese)]).toEqual([english, namesIn(english)]);
  }
});

test("a message in Chinese has Chinese signs, and is no English left as it is", () => {
  expect(
    MESSAGES.filter(([, chinese]) => !/[\u4e00-\u9fff]/.test(chinese)).map(([english]) => english),
  ).toEqual([]);
});

test("no message is defined in two files with two meanings", () => {
  const folder = join(import.meta.dir, "messages");
  const seen = new Map<string, string>();
  for (const name of readdirSync(folder)) {
    const text = readFileSync(join(folder, name), "utf8");
    for (const [, quoted, plain] of text.matchAll(/^ {2}(?:"((?:[^"\\]|\\.)*)"|(\w+)):/gm)) {
      const message = (quoted ?? plain) as string;
      expect([message, seen.get(message) ?? name]).toEqual([message, name]);
      seen.set(message, name);
    }
  }
});

test("every message is used", () => {
  const files = readdirSync(SOURCE, { recursive: true, encoding: "utf8" })
    .filter((name) => /\.tsx?$/.test(name) && !name.startsWith("locales/"))
    .map((name) => readFileSync(join(SOURCE, name), "utf8"));
  const all = files.join("\n");
  expect(Object.keys(CATALOG).filter((message) => !all.includes(JSON.stringify(message)))).toEqual([]);
});

test.each(["en", "zh-CN"] as const)(
  "the compiled catalog of %s has figures and plurals in their places",
  (language) => {
    i18n.loadAndActivate({ locale: language, messages: compiledCatalog(language) });
    expect(i18n._("{count, plural, one {# key} other {# keys}}", { count: 1 })).toBe(
      language === "en" ? "1 key" : "1 个密钥",
    );
    expect(i18n._("{count, plural, one {# key} other {# keys}}", { count: 3 })).toBe(
      language === "en" ? "3 keys" : "3 个密钥",
    );
    for (const message of Object.keys(CATALOG)) {
      const values = Object.fromEntries(namesIn(message).map((name) => [name, 7]));
      expect(i18n._(message, values)).not.toMatch(/[{}]/);
    }
  },
);
