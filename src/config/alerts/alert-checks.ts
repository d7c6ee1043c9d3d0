/** Rules for `[alerts]` that need the resolved secrets. */
import type { Draft } from "../draft.ts";
import type { Path } from "../problem.ts";
import { checkChannels } from "./check-channels.ts";
import { checkSigningSecret, checkUrl } from "./receiver-address.ts";

const WEBHOOK: Path = ["alerts", "webhook"];
const SECRET: Path = ["alerts", "secret"];
const FLAG: Path = ["alerts", "allow_private"];

/** Adds a problem for each broken rule. `secrets` are by path, as in `alerts.webhook`. */
export function checkAlerts(draft: Draft, secrets: ReadonlyMap<string, string>): void {
  const webhook = secrets.get("alerts.webhook");
  if (webhook !== undefined) checkUrl(draft, WEBHOOK, webhook, FLAG, "alerts.allow_private");
  const secret = secrets.get("alerts.secret");
  if (secret !== undefined) {
    checkSigningSecret(draft, SECRET, secret);
    if (draft.get(WEBHOOK) === undefined) {
      draft.refuse(SECRET, "signs nothing, because there is no alerts.webhook", "add alerts.webhook");
    }
  }
  checkChannels(draft, secrets);
}
