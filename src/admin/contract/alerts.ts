/** The channels that alerts go to. */
import * as v from "valibot";
import type { Operation } from "./operation.ts";
import { count } from "./values.ts";

const channel = v.strictObject({
  name: v.string(),
  kind: v.picklist(["webhook", "slack", "discord", "telegram", "email"]),
  /** The origin of its address, or host and port of its server: no path and no token. */
  receiver: v.string(),
  events: v.array(v.string()),
  /** Alerts that wait to be sent. */
  waiting: count,
  /** What the last call failed of; null: it did not, or there was none. */
  problem: v.nullable(v.string()),
});

export const ALERTS = {
  listAlertChannels: {
    method: "GET",
    path: "/alerts/channels",
    who: "signed-in",
    summary: "The channels of alerts in force, what waits for each, and what the last call failed of.",
    reply: v.strictObject({ channels: v.array(channel) }),
  },
  testAlertChannel: {
    method: "POST",
    path: "/alerts/channels/{name}/test",
    who: "signed-in-changing",
    summary: "Sends a test to one channel now, and tells what its receiver answers.",
    reply: v.strictObject({
      isTaken: v.boolean(),
      receiver: v.string(),
      /** Of HTTP or SMTP; null: no reply. */
      status: v.nullable(v.number()),
      /** null: there is none. */
      problem: v.nullable(v.string()),
      /** The beginning of what the receiver says, without the channel's secrets. */
      said: v.string(),
    }),
  },
} as const satisfies Record<string, Operation>;
