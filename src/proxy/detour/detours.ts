/** What a walk and its attempts ask about the detours of their request. */
import type { DetourCause, Target } from "../../plan/plan.ts";
import type { AttemptFailure } from "../attempt/outcome.ts";
import type { Outcome } from "../walk.ts";

export interface TakenDetours {
  /** Whether the detour is still there. */
  mayTake(cause: DetourCause): boolean;
  /** Whether the detour is still there, or was taken from an attempt that had failed for that reason. */
  concerns(cause: DetourCause): boolean;
  /** The prompt has at least so many tokens. */
  measured(leastTokens: number): void;
  /** Whether to pass the target over: the prompt is known to be too long for it. */
  passesOver(target: Target): boolean;
  /**
   * The targets that follow when no other is left: those of the detour, or else those that were passed over, whose own
   * refusal helps the client most. Empty: none was passed over.
   */
  afterPassingOver(): readonly Target[];
  /** The targets of the detour that the failure calls for; empty: the failure stands. */
  after(failure: AttemptFailure, at: Target): readonly Target[];
  /** How the request ends: if a detour came to nothing, as it would have ended without one. */
  ending(outcome: Outcome): Outcome;
}
