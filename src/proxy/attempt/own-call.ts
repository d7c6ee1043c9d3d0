/** A call of the gateway's own to a provider, beside the requests of clients. */
import type { CredentialView, UpstreamView } from "../../snapshot.ts";
import type { Call } from "../../transport/call.ts";
import type { Gateway } from "../gateway.ts";
import { sendRequest } from "./send.ts";

/** Sends a GET with the credential. `silenceMs`: the longest silence of the provider, unless the upstream has less. */
export function sendOwnGet(
  gateway: Pick<Gateway, "transport" | "clock" | "log">,
  upstream: UpstreamView,
  credential: CredentialView,
  url: string,
  silenceMs: number,
): Call {
  const request = {
    url,
    method: "GET",
    headers: [
      ["accept", "application/json"],
      ["accept-encoding", "identity"],
      ["user-agent", "clewline"],
      ...upstream.family.defaultHeaders,
      ...(credential.access.fixedLines ?? []),
    ] as const,
    body: null,
  };
  const patience = {
    ...upstream,
    firstByteTimeoutMs: Math.min(upstream.firstByteTimeoutMs, silenceMs),
    idleTimeoutMs: Math.min(upstream.idleTimeoutMs, silenceMs),
  };
  return sendRequest(gateway, patience, credential, request, null);
}
