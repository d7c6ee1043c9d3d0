import { readPreference, writePreference } from "../lib/preference.ts";

export const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

export function currentTheme(): Theme {
  const kept = readPreference("theme");
  return THEMES.find((one) => one === kept) ?? "system";
}

export function applyTheme(theme: Theme): void {
  const { dataset } = document.documentElement;
  if (theme === "system") delete dataset.theme;
  else dataset.theme = theme;
}

export function chooseTheme(theme: Theme): void {
  writePreference("theme", theme);
  applyTheme(theme);
  // Charts are drawn on a canvas, which no style sheet reaches.
  dispatchEvent(new Event("clewline-theme"));
}
