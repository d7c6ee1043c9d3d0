/** Sends a request to an upstream with a credential. */
import { DIRECT } from "../../config/network/via.ts";
import { GatewayError } from "../../core/errors.ts";
import type { HeaderLines } from "../../core/header-view.ts";
import { withoutSecrets } from "../../core/redact.ts";
import type { CredentialView, UpstreamView } from "../../snapshot.ts";
import { type Call, headOf, type WaitingCaller } from "../../transport/call.ts";
import { DeferredCall } from "../../transport/deferred-call.ts";
import { readWhole } from "../../transport/whole.ts";
import type { SendText, UpstreamRequestParts } from "../../upstreams/authorization.ts";
import { withFixedMembers } from "../../upstreams/fixed-members/fixed-members.ts";
import type { Gateway } from "../gateway.ts";
import { ReframedCall } from "./reframed-call.ts";
import { RenewedCall } from "./renewed-call.ts";

type Sender = Pick<Gateway, "transport" | "clock" | "log">;

/** Longest reply to a request of the gateway's own, such as one for a token, and its longest silence. */
const TEXT_REPLY_BYTES = 64 * 1024;
const TEXT_SILENCE_MS = 30_000;

/**
 * Sends a request whose headers hold the credential's fixed lines already; a credential without such lines
 * authorizes the request here. `head` rejects with `AccessRefused` when the provider gives the credential no
 * access.
 */
export function sendRequest(
  gateway: Sender,
  upstream: UpstreamView,
  credential: CredentialView,
  asked: UpstreamRequestParts,
  waiting: WaitingCaller | null,
): Call {
  const parts = withFixedMembers(asked, upstream.fixed);
  const call =
    credential.access.fixedLines === null
      ? sendAuthorized(gateway, upstream, credential, parts, waiting)
      : sendParts(gateway, upstream, credential, parts, waiting);
  const { family } = upstream;
  return family.reframe === undefined ? call : new ReframedCall(call, family.reframe);
}

function sendParts(
  { transport }: Sender,
  { connectTimeoutMs, firstByteTimeoutMs, idleTimeoutMs }: UpstreamView,
  { via }: Pick<CredentialView, "via">,
  { url, method, headers, body }: UpstreamRequestParts,
  waiting: WaitingCaller | null,
): Call {
  return transport.send({
    url,
    method,
    headers,
    body,
    via,
    connectTimeoutMs,
    firstByteTimeoutMs,
    idleTimeoutMs,
    waiting,
  });
}

/** `isAgain`: the provider has refused the token of the first call. */
function sendAuthorized(
  gateway: Sender,
  upstream: UpstreamView,
  credential: CredentialView,
  parts: UpstreamRequestParts,
  waiting: WaitingCaller | null,
  isAgain = false,
): Call {
  const { access } = credential;
  const send = (lines: HeaderLines): Call => {
    const headers = [...parts.headers, ...lines];
    const again = (): Call | null =>
      access.forgetToken(lines) && !isAgain
        ? sendAuthorized(gateway, upstream, credential, parts, waiting, true)
        : null;
    return new RenewedCall(sendParts(gateway, upstream, credential, { ...parts, headers }, waiting), again);
  };
  const sendText = textSender(gateway, upstream, credential);
  const lines = access.authorize(parts, sendText, gateway.clock, (cause) =>
    gateway.log.warn(
      { upstream: upstream.name, credential: credential.name, detail: wordsOf(cause, access.secrets) },
      "the token of a credential cannot be renewed yet; it is used until it expires, and a new one is asked for meanwhile",
    ),
  );
  if (!(lines instanceof Promise)) return send(lines);
  // The transport cannot tell of the wait for the lines. After this turn, because the caller may abort the
  // call.
  if (waiting !== null) queueMicrotask(() => waiting.waits());
  return new DeferredCall(lines.then((ready) => () => send(ready)));
}

function wordsOf(cause: unknown, secrets: readonly string[]): string {
  const words = cause instanceof GatewayError ? (cause.detail ?? cause.message) : String(cause);
  return withoutSecrets(words, secrets);
}

/** Nobody's client waits for this call alone, so no client that leaves aborts it. */
function textSender(gateway: Sender, upstream: UpstreamView, credential: CredentialView): SendText {
  return async (request) => {
    const patience = {
      ...upstream,
      firstByteTimeoutMs: Math.min(upstream.firstByteTimeoutMs, TEXT_SILENCE_MS),
      idleTimeoutMs: Math.min(upstream.idleTimeoutMs, TEXT_SILENCE_MS),
    };
    const via = request.isDirect === true ? DIRECT : credential.via;
    const call = sendParts(gateway, patience, { via }, request, null);
    const { status, headers } = await headOf(call);
    const { bytes, isWhole, error } = await readWhole(call, TEXT_REPLY_BYTES);
    if (error !== null) throw error;
    if (!isWhole) {
      const tooLong = new GatewayError("upstream_garbage", "the reply to a request for access is too long");
      call.abort(tooLong);
      throw tooLong;
    }
    return { status, headers, body: new TextDecoder().decode(bytes) };
  };
}
