import { useEffect } from "react";
import { useLocation } from "wouter";
import { PAGES } from "./pages.ts";

/** How long after `g` the key of a page may come. */
const SECOND_KEY_MS = 1_200;

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement &&
  (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

/** Keys that work on every page. */
export function useShortcuts({ onPalette, onHelp }: { onPalette: () => void; onHelp: () => void }): void {
  const [, go] = useLocation();
  useEffect(() => {
    let wentAtMs = 0;
    const onKey = (event: KeyboardEvent): void => {
      const { key, ctrlKey, metaKey, altKey } = event;
      if (key.toLowerCase() === "k" && (ctrlKey || metaKey)) {
        event.preventDefault();
        onPalette();
        return;
      }
      if (ctrlKey || metaKey || altKey || isTyping(event.target) || document.querySelector("[role=dialog]"))
        return;
      if (key === "?") onHelp();
      if (key === "g") {
        wentAtMs = event.timeStamp;
        return;
      }
      if (key === "/") {
        const search = document.querySelector<HTMLElement>("[data-search]");
        if (search !== null) {
          event.preventDefault();
          search.focus();
        }
      }
      const page = PAGES.find((one) => one.key === key);
      if (page !== undefined && event.timeStamp - wentAtMs < SECOND_KEY_MS) go(page.path);
      wentAtMs = 0;
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, [onPalette, onHelp, go]);
}
