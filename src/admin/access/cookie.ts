/** The cookie of a session. It opens the admin alone. */
import type { ClientRequest } from "../../http/client-request.ts";

const NAME = "clewline_admin";
/** Browsers take a cookie of this name from a page by https alone, and never for a whole domain. */
const SECURE_NAME = `__Host-${NAME}`;

/** Whether the browser speaks https, also to a proxy that ends TLS. */
export function isHttps({ request, headers }: ClientRequest): boolean {
  if (request.url.startsWith("https:")) return true;
  return headers.get("x-forwarded-proto")?.split(",")[0]?.trim().toLowerCase() === "https";
}

/** null: the call has none. */
export function sessionIdOf(client: ClientRequest): string | null {
  const name = isHttps(client) ? SECURE_NAME : NAME;
  for (const part of (client.headers.get("cookie") ?? "").split(";")) {
    const at = part.indexOf("=");
    if (part.slice(0, at).trim() === name) return part.slice(at + 1).trim();
  }
  return null;
}

export function cookieFor(client: ClientRequest, id: string, lifeMs: number): string {
  const isSecure = isHttps(client);
  const maxAge = Math.max(0, Math.floor(lifeMs / 1000));
  const parts = [`${isSecure ? SECURE_NAME : NAME}=${id}`, "Path=/", "HttpOnly", "SameSite=Strict"];
  return [...parts, `Max-Age=${maxAge}`, ...(isSecure ? ["Secure"] : [])].join("; ");
}

/** Has the browser forget it. */
export function noCookie(client: ClientRequest): string {
  return cookieFor(client, "", 0);
}
