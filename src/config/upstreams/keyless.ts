/** A server on this machine or in its network mostly asks for no key, and then its upstream needs no credential. */
import { isIP } from "../../core/addresses/ip-address.ts";
import { isPublicAddress } from "../../core/addresses/public-address.ts";
import type { Draft } from "../draft.ts";
import { FAMILIES_WITH_PLACES } from "../schema.ts";
import { isTree } from "../toml/toml.ts";

/** What is sent in place of a key: a word that such servers are shown by their own guides. */
const KEYLESS = { name: "keyless", api_key: "none" } as const;

/** Whether the credential is the one that stands for no key. */
export function isKeyless({ name, apiKey }: { readonly name: string; readonly apiKey: string }): boolean {
  return name === KEYLESS.name && apiKey === KEYLESS.api_key;
}

/** `localhost`, names without a dot, as containers have them, and names that no public resolver knows. */
const NEAR_NAME = /^[^.]+$|\.(?:localhost|local|internal|home\.arpa)$/i;

/** Gives each upstream without credentials at a near `base_url` the one that holds no key. */
export function addKeyless(draft: Draft): void {
  const upstreams = draft.get(["upstreams"]);
  if (!Array.isArray(upstreams)) return;
  for (const upstream of upstreams) {
    if (!isTree(upstream) || upstream.credentials !== undefined || upstream.caller_credentials === true)
      continue;
    // Its credentials say more than a key.
    if (FAMILIES_WITH_PLACES.some((one) => one === upstream.family)) continue;
    if (isNear(upstream.base_url)) upstream.credentials = [{ ...KEYLESS }];
  }
}

/** Whether the URL is that of a server that no stranger runs: a forgotten key of a provider stays a fault. */
function isNear(url: unknown): boolean {
  if (typeof url !== "string" || !URL.canParse(url)) return false;
  const host = new URL(url).hostname.replace(/^\[|\]$|\.$/g, "");
  return isIP(host) === 0 ? NEAR_NAME.test(host) : !isPublicAddress(host);
}
