/** Reasons for which an attempt ends before its answer. */
import { GatewayError } from "../../core/errors.ts";

/** There was no connection, so the upstream has got nothing of the request. */
export function neverSent({ kind }: GatewayError): boolean {
  return kind === "upstream_connect" || kind === "proxy_failed";
}

export function clientLeft(): GatewayError {
  return new GatewayError("upstream_cut", "the client left");
}
