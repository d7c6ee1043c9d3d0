/** The keys of `[alerts]`. */
import * as v from "valibot";
import { optional, secret, secretNote, table, whole, withDefault } from "../schema-rules.ts";

/** What an alert can be about; docs/alerts.md describes each. */
export const ALERT_EVENTS = [
  "budget.low",
  "budget.empty",
  "credential.needs_person",
  "credentials.unavailable",
  "model.unpriced",
  "ledger.unwritable",
  "disk.low",
  "config.rejected",
] as const;

export type AlertEvent = (typeof ALERT_EVENTS)[number];

const MAX_DISK_BYTES = 1_099_511_627_776;

export const alerts = table({
  webhook: optional(
    secret,
    "reload",
    `Address that gets a POST for each event, of https: ${secretNote}. A chat's address is a secret: who knows it can write there. Without it there are no alerts.`,
  ),
  secret: optional(
    secret,
    "reload",
    `Signs each call as Standard Webhooks do, with the header \`webhook-signature\`: ${secretNote}. It is \`whsec_\` and the base64 of 24 to 64 random bytes.`,
  ),
  format: withDefault(
    v.picklist(["event", "chat"]),
    "event",
    "reload",
    "`event` sends JSON with type, id, timestamp, text and data. `chat` sends the text alone, because some chats refuse other members.",
  ),
  events: withDefault(v.array(v.picklist(ALERT_EVENTS)), [...ALERT_EVENTS], "reload", "The events to tell."),
  allow_private: withDefault(
    v.boolean(),
    false,
    "reload",
    "Let `webhook` lead to an address that is not public, such as this machine or a private network, and be of http.",
  ),
  disk_free_bytes: withDefault(
    whole(0, MAX_DISK_BYTES),
    1_073_741_824,
    "reload",
    "`disk.low` is told when the disk of the data folder has less free space, and again only after a quarter more was free. 0: never.",
  ),
});
