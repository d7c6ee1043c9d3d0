/** Asks a provider about one of its stored responses, with the credential that made it. */
import { GatewayError } from "../../core/errors.ts";
import type { Tap } from "../../dialects/dialect.ts";
import { DIALECTS } from "../../dialects/index.ts";
import type { CredentialView, UpstreamView } from "../../snapshot.ts";
import { type BodySink, type Call, headOf } from "../../transport/call.ts";
import { sendOwnGet } from "../attempt/own-call.ts";
import type { Gateway } from "../gateway.ts";
import type { PendingResponse, ResponseFacts } from "./pending.ts";

/** Longest silence of the provider. */
const SILENCE_MS = 30_000;
/** Replies that no repeat changes by itself, but for 408, 409, 425 and 429. */
const IS_REFUSAL = /^4(?!08|09|25|29)\d\d$/;

/** What a provider says of a response. */
export type Found =
  /** The response is being made. */
  | { readonly kind: "pending" }
  | { readonly kind: "ended"; readonly facts: ResponseFacts }
  /** The provider does not know the response, or does not let the credential read it. */
  | { readonly kind: "missing"; readonly status: number }
  /** Nothing is known: the provider could not be asked. */
  | { readonly kind: "unknown"; readonly reason: string };

/** Never rejects. `began` gets the call, which can be aborted. */
export async function fetchResponse(
  gateway: Pick<Gateway, "transport" | "clock" | "log">,
  upstream: UpstreamView,
  credential: CredentialView,
  { id, query, row }: PendingResponse,
  began: (call: Call) => void,
): Promise<Found> {
  try {
    const path = `/v1/responses/${encodeURIComponent(id)}${query}`;
    const url = credential.urls.urlOf(path, row.modelUsed ?? "", false);
    const call = sendOwnGet(gateway, upstream, credential, url, SILENCE_MS);
    began(call);
    const { status } = await headOf(call);
    const tap = await readThrough(call);
    if (status !== 200) {
      return IS_REFUSAL.test(String(status))
        ? { kind: "missing", status }
        : { kind: "unknown", reason: `status ${status}` };
    }
    const { progress } = tap;
    if (progress !== "complete" && progress !== "failed") {
      return { kind: "unknown", reason: "the reply is no response" };
    }
    return tap.pendingId === null ? { kind: "ended", facts: tap } : { kind: "pending" };
  } catch (cause) {
    return { kind: "unknown", reason: cause instanceof Error ? cause.message : String(cause) };
  }
}

/** Reads the body to its end and keeps nothing of it: an answer may be long. */
function readThrough(call: Call): Promise<Tap> {
  const tap = DIALECTS["openai-responses"].makeTap({
    framing: "json",
    peek: null,
    isUsageInjected: false,
    maxHeldBytes: 0,
  });
  return new Promise((resolve, reject) => {
    const sink: BodySink = {
      chunk(bytes) {
        tap.push(bytes);
        return true;
      },
      end(error) {
        tap.end();
        if (error === null || tap.progress === "complete") resolve(tap);
        else reject(error);
      },
    };
    call.pipe(sink);
  });
}

/** The reason why a call is given up. */
export function givenUp(): GatewayError {
  return new GatewayError("upstream_cut", "the gateway stops");
}
