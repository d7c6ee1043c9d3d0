/** Where an alert may go, as far as the configuration alone tells. The addresses of a name are checked at each call. */
import { isIP } from "../../core/addresses/ip-address.ts";
import { isPublicAddress } from "../../core/addresses/public-address.ts";
import type { Draft } from "../draft.ts";
import type { Path } from "../problem.ts";

/** Refuses an address that no alert can be sent to. `flag`: the setting that allows private addresses, and http. */
export function checkUrl(draft: Draft, path: Path, text: string, flag: Path, flagName: string): void {
  const url = /^https?:\/\//i.test(text) ? URL.parse(text) : null;
  if (url === null) {
    draft.refuse(path, "is not an https URL", 'write the value as in "https://hooks.example.com/services/…"');
  } else if (url.username !== "" || url.password !== "") {
    draft.refuse(
      path,
      "holds a user name or password, which alerts do not send",
      "use an address with the token in its path, and the secret of a webhook to sign the calls",
    );
  } else if (draft.get(flag) !== true) {
    if (isPrivateHost(url.hostname)) refusePrivate(draft, path, flagName);
    else if (url.protocol === "http:") {
      draft.refuse(path, "is of http, so anybody on the way can read the alerts", "use an https URL");
    }
  }
}

export function refusePrivate(draft: Draft, path: Path, flagName: string): void {
  draft.refuse(path, "leads to no public address", `set ${flagName} = true if it is meant`);
}

/** A name that is not one of this machine may still lead to it. */
export function isPrivateHost(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, "").replace(/\.$/, "");
  return host.toLowerCase() === "localhost" || (isIP(host) !== 0 && !isPublicAddress(host));
}

/** The secret of Standard Webhooks. */
export function checkSigningSecret(draft: Draft, path: Path, text: string): void {
  const base64 = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(text)?.[1] ?? "";
  const { length } = Buffer.from(base64, "base64");
  if (length >= 24 && length <= 64) return;
  draft.refuse(
    path,
    "is not the secret of a webhook",
    'make one: echo "whsec_$(openssl rand -base64 32)"; the receiver gets the same text',
  );
}
