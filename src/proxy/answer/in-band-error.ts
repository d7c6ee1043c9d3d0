/** An error of the gateway inside a client's stream, between two frames. */
import type { GatewayError } from "../../core/errors.ts";
import { DIALECTS } from "../../dialects/index.ts";
import type { Exchange } from "../exchange.ts";

/** `isFirst`: nothing has been sent yet. Empty: the error cannot be told. */
export function inBandError(
  { route, clientFraming: framing, id }: Exchange,
  error: GatewayError,
  isFirst: boolean,
): string {
  try {
    const tap = DIALECTS[route.dialect].makeTap({
      framing,
      isUsageInjected: false,
      peek: null,
      maxHeldBytes: 0,
    });
    return tap.renderFailure(error, id, isFirst);
  } catch {
    return "";
  }
}
