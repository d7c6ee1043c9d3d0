/** The way back of a pause of a credential, or of its end. Pure. */
import type { CredentialStatus } from "../../pool/credential.ts";
import { RESET_REASON } from "../../pool/park.ts";

interface CredentialStanding {
  readonly isOff: boolean;
  /** Why a person has taken it out; "": nobody has. */
  readonly reason: string;
}

export interface CredentialChange {
  /** `upstream/name`. */
  readonly id: string;
  readonly before: CredentialStanding;
  readonly after: CredentialStanding;
}

/** null: it is out of service, or in service, as it was before; a reset of what a provider said has no way back. */
export function credentialChangeOf(
  before: CredentialStatus,
  after: CredentialStatus,
): CredentialChange | null {
  const [was, is] = [standingOf(before), standingOf(after)];
  return isSame(was, is) ? null : { id: after.id, before: was, after: is };
}

/** What to switch the credential to; null: a person has changed it since, or it is gone. */
export function undoCredentialChange(
  { before, after }: CredentialChange,
  now: CredentialStatus | undefined,
): { readonly state: "off" | "ready"; readonly reason: string } | null {
  if (now === undefined || !isSame(standingOf(now), after)) return null;
  return before.isOff ? { state: "off", reason: before.reason } : { state: "ready", reason: RESET_REASON };
}

function standingOf({ state, reason }: CredentialStatus): CredentialStanding {
  return state === "off" ? { isOff: true, reason } : { isOff: false, reason: "" };
}

function isSame(one: CredentialStanding, other: CredentialStanding): boolean {
  return one.isOff === other.isOff && one.reason === other.reason;
}
