/**
 * Keeps out what a page of another site makes a browser send: by the name that the browser was led to (DNS rebinding), and
 * by the origin of the page (forged requests). Holds for every caller, also where nobody signs in.
 */

import { isIP } from "../core/addresses/ip-address.ts";
import type { HeaderView } from "../core/header-view.ts";
import { AdminError } from "./admin-error.ts";

/**
 * Throws `forbidden`. `names`: those of `server.hosts`. A page of another site can have its own name point to this machine,
 * but no IP address and not `localhost`.
 */
export function refuseForeignHost(host: string | null, names: readonly string[]): void {
  const { name } = hostParts(host ?? "");
  const isV6 = name.startsWith("[") && isIP(name.slice(1, -1)) === 6;
  if (isV6 || isIP(name) === 4 || name === "localhost" || names.some((one) => one.toLowerCase() === name))
    return;
  throw new AdminError("forbidden", "the admin does not answer to the name in the Host header", {
    repair: "open it by its IP address or localhost, or list the name in server.hosts",
  });
}

/** Throws `forbidden` for what a page of another origin has sent. */
export function refuseForeignOrigin(headers: Pick<HeaderView, "get">, isChanging: boolean): void {
  const site = headers.get("sec-fetch-site");
  // `none`: a person has typed the address, which sends no more than a GET.
  const isOwnSite = site === null || site === "same-origin" || (site === "none" && !isChanging);
  const origin = headers.get("origin");
  if (isOwnSite && (origin === null || isSameOrigin(origin, headers.get("host") ?? ""))) return;
  throw new AdminError("forbidden", "the call comes from a page of another origin", {
    repair:
      "open the admin itself; a proxy before it must pass the Host header on as the browser has sent it",
  });
}

/** The scheme may differ: a proxy may have ended TLS. */
function isSameOrigin(origin: string, host: string): boolean {
  const [, scheme = "", place = ""] = /^(https?):\/\/([^/?#@\s]+)$/i.exec(origin) ?? [];
  if (place === "") return false;
  const standard = scheme.toLowerCase() === "https" ? "443" : "80";
  const [one, other] = [hostParts(place), hostParts(host)];
  return one.name === other.name && (one.port || standard) === (other.port || standard);
}

function hostParts(host: string): { readonly name: string; readonly port: string } {
  const [, name = "", port = ""] = /^(\[[^\]]*\]|[^:]*)(?::(\d{1,5}))?$/.exec(host.toLowerCase()) ?? [];
  return { name, port };
}
