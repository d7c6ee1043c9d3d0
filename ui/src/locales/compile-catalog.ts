/** Runs while the pages are built: messages go into them as arrays, and no parser of messages does. */
import { compileMessage } from "@lingui/message-utils/compileMessage";
import { CATALOG } from "./messages.ts";

export function compiledCatalog(language: "en" | "zh-CN"): Record<string, never> {
  const entries = Object.entries<string>(CATALOG).map(([english, chinese]) => [
    english,
    compileMessage(language === "en" ? english : chinese),
  ]);
  return Object.fromEntries(entries) as Record<string, never>;
}
