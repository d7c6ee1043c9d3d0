/** Starts the pages. */
import { createRoot } from "react-dom/client";
import { showLanguage, startLanguage } from "../lib/text.ts";
import { App } from "./app.tsx";
import { applyTheme, currentTheme } from "./theme.ts";

applyTheme(currentTheme());
await showLanguage(startLanguage());
createRoot(document.getElementById("app") as HTMLElement).render(<App />);
