import {
  Ban,
  CircleCheck,
  CirclePause,
  CircleX,
  Hourglass,
  type LucideIcon,
  Timer,
  Unplug,
} from "lucide-react";
import type { ReplyOf } from "../../../../src/admin/contract.ts";
import type { Tone } from "../../components/badge.tsx";
import type { Message } from "../../locales/messages.ts";

export type Credential = ReplyOf<"listCredentials">["credentials"][number];
export type CredentialState = Credential["state"];

/** In the order of the board: what needs a person comes first. */
export const STATES: Record<
  CredentialState,
  { readonly title: Message; readonly tone: Tone; readonly icon: LucideIcon; readonly help: Message }
> = {
  invalid: {
    title: "Invalid",
    tone: "bad",
    icon: CircleX,
    help: "The provider refuses the secret. Replace it, then reset the credential.",
  },
  forbidden: {
    title: "Forbidden",
    tone: "bad",
    icon: Ban,
    help: "The provider knows the secret and denies it what was asked for.",
  },
  unreachable: {
    title: "Not reached",
    tone: "bad",
    icon: Unplug,
    help: "Nothing is wrong with it, and no connection to its upstream can be made. It is tried again.",
  },
  exhausted: {
    title: "Used up",
    tone: "warn",
    icon: Hourglass,
    help: "Its quota or money at the provider is spent.",
  },
  cooling: {
    title: "Cooling",
    tone: "warn",
    icon: Timer,
    help: "It rests after a limit or a failure, then is used again.",
  },
  ready: { title: "Ready", tone: "good", icon: CircleCheck, help: "It takes requests." },
  draining: {
    title: "Draining",
    tone: "info",
    icon: CirclePause,
    help: "It takes no new request; its last ones still run.",
  },
  paused: { title: "Paused", tone: "calm", icon: CirclePause, help: "A person has taken it out." },
};

export const STATE_NAMES = Object.keys(STATES) as readonly CredentialState[];

/** By state in the order of the board, then by priority and name. */
export function sortBoard(credentials: readonly Credential[]): readonly Credential[] {
  const rank = new Map(STATE_NAMES.map((state, at) => [state, at]));
  return [...credentials].sort(
    (a, b) =>
      (rank.get(a.state) ?? 0) - (rank.get(b.state) ?? 0) ||
      a.priority - b.priority ||
      a.id.localeCompare(b.id),
  );
}
