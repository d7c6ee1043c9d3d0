import type { KeyLimits } from "../config/client-keys.ts";

/** A key and its limits. They are null when neither the key nor its team has any. */
export interface LimitedKey {
  readonly name: string;
  readonly team: string | null;
  readonly limits: KeyLimits | null;
}
