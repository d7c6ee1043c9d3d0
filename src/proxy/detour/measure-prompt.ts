/**
 * Measures a prompt that may be too long for its targets, so that a long body is not sent where it is refused
 * for certain.
 */
import { GatewayError } from "../../core/errors.ts";
import { LEAST_BYTES_PER_TOKEN, leastInputTokens } from "../../neutral/estimate.ts";
import type { Target } from "../../plan/plan.ts";
import { contextAt, type Demanding } from "../admission/demand.ts";
import type { ServedRequest } from "../served-request.ts";
import type { PreparingWalk } from "../targets/prepare-target.ts";
import type { TakenDetours } from "./detours.ts";

/** Whether the prompt can be too long for one of the targets. Cheap, and false for most requests. */
export function mayBeTooLong(request: Demanding, targets: readonly Target[]): boolean {
  const most = request.exchange.requestBytes / LEAST_BYTES_PER_TOKEN;
  return targets.some((target) => most > contextAt(request, target));
}

/** The walk goes on when its request's prompt is measured. */
export function measurePrompt(
  walk: PreparingWalk & { next(): void },
  request: ServedRequest,
  detours: TakenDetours,
): void {
  request.gateway.transport.watchdog.add(walk);
  leastTokensOf(request).then(
    (tokens) => {
      detours.measured(tokens);
      walk.next();
    },
    (cause: unknown) =>
      walk.guard(() => {
        throw cause;
      }),
  );
}

/** The fewest tokens that the prompt can have; 0: the request cannot be read, which its upstream tells best. */
export async function leastTokensOf({ translator }: Pick<ServedRequest, "translator">): Promise<number> {
  try {
    return leastInputTokens(await translator.decode());
  } catch (cause) {
    if (cause instanceof GatewayError) return 0;
    throw cause;
  }
}
