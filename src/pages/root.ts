/** `/` and `/healthz`: the process lives. */
import { jsonPage } from "./json-page.ts";

/** Tells anybody no version: known weaknesses go by it. */
export function rootPage(): Response {
  return jsonPage(200, { name: "clewline" });
}

export function livenessPage(): Response {
  return jsonPage(200, { status: "alive" });
}
