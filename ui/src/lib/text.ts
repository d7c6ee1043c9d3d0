/** The language of the pages. English messages are their own ids, so that a message reads in the code as on the page. */
import { i18n } from "@lingui/core";
import { useLingui } from "@lingui/react";
import type { Message } from "../locales/messages.ts";
import { loadCode } from "./load-code.ts";
import { readPreference, writePreference } from "./preference.ts";

export const LANGUAGES = { en: "English", "zh-CN": "简体中文" } as const;
export type Language = keyof typeof LANGUAGES;

export type Values = Readonly<Record<string, string | number>>;
export type Text = (message: Message, values?: Values) => string;

const CATALOGS: Record<Language, () => Promise<Record<string, never>>> = {
  en: async () => (await import("../locales/en.ts")).EN,
  "zh-CN": async () => (await import("../locales/zh-cn.ts")).ZH_CN,
};

export async function showLanguage(language: Language): Promise<void> {
  i18n.loadAndActivate({ locale: language, messages: await loadCode(CATALOGS[language]) });
  document.documentElement.lang = language;
}

/** The language that was chosen, or else the browser's. */
export function startLanguage(): Language {
  const chosen = readPreference("language");
  if (chosen !== null && Object.hasOwn(LANGUAGES, chosen)) return chosen as Language;
  return navigator.languages
    .find((one) => /^(zh|en)\b/i.test(one))
    ?.toLowerCase()
    .startsWith("zh")
    ? "zh-CN"
    : "en";
}

export function chooseLanguage(language: Language): Promise<void> {
  writePreference("language", language);
  return showLanguage(language);
}

/**
 * Values that are shown as they are. Lingui reads `\u0061` and `\x61` in what it has put together as signs, also where a
 * value has brought them, so that two names could look the same: a backslash becomes such a sequence itself.
 */
export function literal(values: Values): Values {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      typeof value === "string" ? value.replaceAll("\\", "\\x5c") : value,
    ]),
  );
}

export function useText(): Text {
  const { i18n: current } = useLingui();
  return (message, values) => current._(message, literal(values ?? {}));
}

export function useLanguage(): Language {
  return useLingui().i18n.locale as Language;
}
