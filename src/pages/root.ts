/** `/` and `/healthz`: the process lives. */
import { jsonPage } from "./json-page.ts";

export function rootPage(version: string): Response {
  return jsonPage(200, { name: "clewline", version });
}

export function livenessPage(): Response {
  return jsonPage(200, { status: "alive" });
}
