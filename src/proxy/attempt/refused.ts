/** The requests that one target has refused. */
import { Buffer } from "node:buffer";
import type { AttemptFailure } from "./outcome.ts";
import type { PreparedRequest } from "./prepare.ts";

/** Changes of a request that was refused: with the first try, an upstream gets it four times. */
const MAX_REPAIRS = 3;

/** A request that was sent, and its refusal. */
export interface Refused {
  readonly prepared: PreparedRequest;
  readonly failure: AttemptFailure;
}

/** Whether the request may be sent again with the repairs that its last refusal asks for. `refused`: with the last. */
export function mayBeRepaired(refused: readonly Refused[]): boolean {
  return refused.length <= MAX_REPAIRS && refused.at(-1)?.failure.repairs.length !== 0;
}

/**
 * The refusal of the same request, which would come again: the last one when its words only quoted the client, or an
 * earlier one when a repair takes another one back. null: the request was not sent yet.
 */
export function refusalOf(request: PreparedRequest, refused: readonly Refused[]): AttemptFailure | null {
  return refused.find(({ prepared }) => isSameRequest(prepared, request))?.failure ?? null;
}

/** Whether an upstream would get the same request twice. */
function isSameRequest(one: PreparedRequest, other: PreparedRequest): boolean {
  if (one.isUsageAsked !== other.isUsageAsked || betasOf(one) !== betasOf(other)) return false;
  const [a, b] = [one, other].map(({ translated, body }) => translated?.body ?? body);
  return a != null && b != null && Buffer.compare(a, b) === 0;
}

/** How many repairs take betas out of the request's header. */
function betasOf({ repaired }: PreparedRequest): number {
  return repaired.filter(({ repair }) => repair.kind === "without-beta").length;
}
