/** Explains which targets a request would be passed over for, because its prompt is too long for them. */
import type { Target } from "../plan/plan.ts";
import { contextAt, type Demanding } from "../proxy/admission/demand.ts";
import { leastTokensOf, mayBeTooLong } from "../proxy/detour/measure-prompt.ts";
import type { PlannedRequest } from "../proxy/plan-request.ts";
import type { RequestTranslator } from "../translate/request.ts";

interface Overflow {
  readonly least_input_tokens: number;
  readonly context_tokens: number;
}

/** null of a target: it is asked. */
export async function explainOverflow(
  request: Demanding & { readonly translator: RequestTranslator },
  { targets, detours }: Pick<PlannedRequest, "targets" | "detours">,
): Promise<(target: Target) => Overflow | null> {
  if (detours === null || detours.overflow.length === 0 || !mayBeTooLong(request, targets)) return () => null;
  const least = await leastTokensOf(request);
  return (target) => {
    const context = contextAt(request, target);
    return least > context ? { least_input_tokens: least, context_tokens: context } : null;
  };
}
