import type { Repairs } from "../../dialects/repair.ts";
import type { Target } from "../../plan/plan.ts";
import type { PreparedRequest } from "./prepare.ts";
import type { Refused } from "./refused.ts";

/** The state of a walk at one target. */
export interface CurrentTarget {
  readonly target: Target;
  /** The credential (`upstream/credential`) that holds the stored object of the request; null: any will do. */
  readonly stickyTo: string | null;
  prepared: PreparedRequest;
  repairs: Repairs;
  /** The refusals after which the request was changed; null: it was not. */
  refused: readonly Refused[] | null;
  /** Credentials that have failed this request; null: none has. */
  excluded: Set<string> | null;
}
