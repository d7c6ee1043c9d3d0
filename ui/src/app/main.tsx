/** Starts the pages. */
import { createRoot } from "react-dom/client";
import { showLanguage, startLanguage } from "../lib/text.ts";
import { App } from "./app.tsx";
import { applyTheme, currentTheme } from "./theme.ts";

applyTheme(currentTheme());
const root = document.getElementById("app") as HTMLElement;
try {
  await showLanguage(startLanguage());
  createRoot(root).render(<App />);
} catch {
  showUnloaded(root);
}

/** Without the catalog of a language there is no other text. */
function showUnloaded(place: HTMLElement): void {
  const again = document.createElement("button");
  again.textContent = "Try again";
  again.className = "m-4 rounded-[7px] border border-line px-3 py-1.5";
  again.onclick = () => location.reload();
  place.replaceChildren("The pages could not be loaded: the gateway does not answer.", again);
}
