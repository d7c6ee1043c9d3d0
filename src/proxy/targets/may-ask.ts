/** Whether a target may be asked now, before anything is made ready for it. */
import type { UpstreamView } from "../../snapshot.ts";
import { loginMissing } from "../attempt/caller-login.ts";
import { canServe } from "../attempt/prepare.ts";
import type { ServedRequest } from "../served-request.ts";
import type { PreparingWalk } from "./prepare-target.ts";

/** If it may not, the walk has met an obstacle. */
export function mayAsk(
  walk: Pick<PreparingWalk, "met">,
  request: ServedRequest,
  upstream: UpstreamView,
  model: string,
): boolean {
  const { gateway, exchange, sticky } = request;
  if (!canServe(exchange.route, upstream, model)) {
    walk.met().foreign.push(upstream.name);
    return false;
  }
  if (upstream.callerCredentials && request.login === null) {
    walk.met().untranslatable ??= loginMissing(upstream.name);
    return false;
  }
  if (sticky?.isTest === true) return true;
  if (gateway.breaker.allows(upstream.name, model, exchange.principal.name)) return true;
  walk.met().isBreakerOpen = true;
  return false;
}
