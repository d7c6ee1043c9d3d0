import { expect, test } from "bun:test";
import { GATEWAY_ZH_CN } from "../locales/gateway/zh-cn.ts";
import { makeTranslator } from "./gateway-translator.ts";

const translate = makeTranslator(GATEWAY_ZH_CN);

test("a text with values has them in their places, and those that are texts themselves are translated", () => {
  expect(translate('there is no key "ci"')).toBe("没有密钥“ci”");
  expect(translate("this value cannot be changed here: --port sets it where Clewline starts")).toBe(
    "此值不能在这里更改：由启动 Clewline 之处的 --port 设置",
  );
  expect(
    translate("The month's budget of the team research for claude-* has 1.50 of 50.00 dollars left."),
  ).toBe("团队 research 用于 claude-* 的每月预算还剩 1.50 美元，共 50.00 美元。");
  expect(translate("The day's budget of the key ci has 0.00 of 1.00 dollars left.")).toBe(
    "密钥 ci 的每日预算还剩 0.00 美元，共 1.00 美元。",
  );
  expect(translate("unconfirmed: the key was refused")).toBe("未确认：密钥被拒绝");
});

test("a value that holds another text's words, or signs of a pattern, is a value all the same", () => {
  expect(translate('there is no key "there is no key "x""')).toContain("没有密钥“");
  expect(translate('there is no key "$& {0} (.*)"')).toBe("没有密钥“$& {0} (.*)”");
  expect(translate('there is no key "a\nb"')).toBe("没有密钥“a\nb”");
});

test("what has no translation stays as it is", () => {
  for (const english of ["", "word", "a sentence that nobody has written", "x".repeat(10_000)])
    expect(translate(english)).toBe(english);
});

test("a text that is made to keep patterns busy is answered as well", () => {
  for (const piece of ["'s budget of ", " for ", " has ", " of ", '" ', " (status ", "is also the  of "])
    for (const start of ["", "The ", '"', "is also the "]) {
      const hostile = start + piece.repeat(1_000);
      expect(translate(hostile.slice(0, 1_000)).length).toBeGreaterThan(0);
      expect(translate(hostile)).toBe(hostile);
    }
});

test("every translation is Chinese, and has the values of its text", () => {
  const values = (text: string): string => [...text.matchAll(/\{\d\}/g)].map(String).sort().join();
  for (const [english, chinese] of Object.entries(GATEWAY_ZH_CN)) {
    // Texts that are all values and signs.
    if (!/^\{0\}|^"\{0\}"/.test(english) || /[a-z]{4}/.test(english))
      expect([english, /[\u4e00-\u9fff]/.test(chinese)]).toEqual([english, true]);
    expect([english, [...new Set(values(chinese).split(","))].join()]).toEqual([
      english,
      [...new Set(values(english).split(","))].join(),
    ]);
  }
});

test("each text with values is found by its own pattern", () => {
  for (const [english, chinese] of Object.entries(GATEWAY_ZH_CN)) {
    const fill = (text: string): string => text.replace(/\{(\d)\}/g, (_, number) => `v${number}`);
    expect([english, translate(fill(english))]).toEqual([english, fill(chinese)]);
  }
});
