/** The message by which a person tries a channel. */
import type { Ids } from "../core/ids.ts";
import type { Call } from "./delivery.ts";
import { render } from "./message.ts";

const TEXT = "This is a test of Clewline's alerts. Nothing has happened.";

export function testCall(ids: Pick<Ids, "ulid">, nowMs: number): Call {
  const id = `alert_${ids.ulid(nowMs)}`;
  return { id, text: TEXT, event: render("alerts.test", id, nowMs, TEXT, "{}") };
}
