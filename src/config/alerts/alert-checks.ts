/** Rules for `[alerts]` that need the resolved secrets. */
import { isIP } from "node:net";
import { isPublicAddress } from "../../core/public-address.ts";
import type { Draft } from "../draft.ts";
import type { Path } from "../problem.ts";

const WEBHOOK: Path = ["alerts", "webhook"];
const SECRET: Path = ["alerts", "secret"];
const PRIVATE_REPAIR = "set alerts.allow_private = true if it is meant";

/** Adds a problem for each rule that a webhook or its secret breaks. `secrets` are by path, as in `alerts.webhook`. */
export function checkAlerts(draft: Draft, secrets: ReadonlyMap<string, string>): void {
  const webhook = secrets.get("alerts.webhook");
  if (webhook !== undefined) checkWebhook(draft, webhook);
  const secret = secrets.get("alerts.secret");
  if (secret === undefined) return;
  if (!isSigningSecret(secret)) {
    draft.refuse(
      SECRET,
      "is not the secret of a webhook",
      'make one: echo "whsec_$(openssl rand -base64 32)"; the receiver gets the same text',
    );
  }
  if (draft.get(WEBHOOK) === undefined) {
    draft.refuse(SECRET, "signs nothing, because there is no alerts.webhook", "add alerts.webhook");
  }
}

function checkWebhook(draft: Draft, text: string): void {
  const url = /^https?:\/\//i.test(text) ? URL.parse(text) : null;
  if (url === null) {
    draft.refuse(
      WEBHOOK,
      "is not an https URL",
      'write the value as in "https://hooks.example.com/services/…"',
    );
  } else if (url.username !== "" || url.password !== "") {
    draft.refuse(
      WEBHOOK,
      "holds a user name or password, which alerts do not send",
      "use an address with the token in its path, and alerts.secret to sign the calls",
    );
  } else if (draft.get(["alerts", "allow_private"]) !== true) {
    if (isPrivateHost(url.hostname)) draft.refuse(WEBHOOK, "leads to no public address", PRIVATE_REPAIR);
    else if (url.protocol === "http:") {
      draft.refuse(WEBHOOK, "is of http, so anybody on the way can read the alerts", "use an https URL");
    }
  }
}

/** As far as the text alone tells; the addresses of a name are checked at each call. */
function isPrivateHost(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, "").replace(/\.$/, "");
  return host === "localhost" || (isIP(host) !== 0 && !isPublicAddress(host));
}

function isSigningSecret(text: string): boolean {
  const base64 = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(text)?.[1] ?? "";
  const { length } = Buffer.from(base64, "base64");
  return length >= 24 && length <= 64;
}
