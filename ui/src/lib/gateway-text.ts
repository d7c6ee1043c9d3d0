/** What the gateway says in English, in the language of the pages. Its Chinese is loaded by the first page in Chinese. */
import { i18n } from "@lingui/core";
import { useEffect, useSyncExternalStore } from "react";
import { makeTranslator, type Translate } from "./gateway-translator.ts";
import { type Language, useLanguage } from "./text.ts";

let chinese: Translate | null = null;
let loading: Promise<void> | null = null;
const listeners = new Set<() => void>();

const inEnglish: Translate = (english) => english;

function load(language: Language): Promise<void> {
  if (language !== "zh-CN") return Promise.resolve();
  loading ??= import("../locales/gateway/zh-cn.ts").then(
    ({ GATEWAY_ZH_CN }) => {
      chinese = makeTranslator(GATEWAY_ZH_CN);
      for (const listener of listeners) listener();
    },
    () => {
      // Without a connection texts stay English, and the next one tries again.
      loading = null;
    },
  );
  return loading;
}

const translatorOf = (language: Language): Translate =>
  language === "zh-CN" ? (chinese ?? inEnglish) : inEnglish;

/** For what is no component. */
export async function gatewayTranslator(): Promise<Translate> {
  const language = i18n.locale as Language;
  await load(language);
  return translatorOf(language);
}

function listen(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useGatewayText(): Translate {
  const language = useLanguage();
  useEffect(() => void load(language), [language]);
  useSyncExternalStore(listen, () => chinese);
  return translatorOf(language);
}
