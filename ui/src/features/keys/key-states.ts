import type { ReplyOf } from "../../../../src/admin/contract.ts";
import type { Tone } from "../../components/badge.tsx";
import type { Message } from "../../locales/messages.ts";

export type Key = ReplyOf<"listKeys">["keys"][number];

export const KEY_STATES: Record<Key["state"], { readonly title: Message; readonly tone: Tone }> = {
  active: { title: "Active", tone: "good" },
  paused: { title: "Paused", tone: "calm" },
  expired: { title: "Expired", tone: "warn" },
  revoked: { title: "Revoked", tone: "bad" },
  refused: { title: "Refused", tone: "bad" },
};
