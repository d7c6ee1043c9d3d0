/** Delivers the gateway's own count of tokens, marked as an estimate, for an upstream that has no endpoint for counts. */
import { requestIdHeaders } from "../../http/error-reply.ts";
import { estimateInputTokens } from "../../neutral/estimate.ts";
import type { AttemptResult } from "../attempt/outcome.ts";
import type { ServedRequest } from "../served-request.ts";
import { settle } from "../settle.ts";

/** `ended` is called once. */
export function estimateCount(
  request: ServedRequest,
  upstream: string,
  model: string,
  ended: (result: Extract<AttemptResult, { kind: "delivered" | "fault" }>) => void,
): void {
  const fault = (cause: unknown): void => ended({ kind: "fault", cause });
  request.translator.decode().then((decoded) => {
    try {
      deliver(request, upstream, model, estimateInputTokens(decoded), ended);
    } catch (cause) {
      fault(cause);
    }
  }, fault);
}

function deliver(
  { gateway, exchange, replies }: ServedRequest,
  upstream: string,
  model: string,
  inputTokens: number,
  ended: (result: Extract<AttemptResult, { kind: "delivered" | "fault" }>) => void,
): void {
  exchange.answerFor(upstream, model);
  const body = replies.writeCount(inputTokens);
  const ending = {
    status: 200,
    outcome: "ok",
    errorKind: null,
    facts: null,
    replyBytes: 0,
    firstByteMs: null,
    isHeadSent: false,
  } as const;
  settle(gateway, exchange, ending, (failure) => {
    if (failure !== null) {
      ended({ kind: "fault", cause: failure });
      return;
    }
    exchange.client.restoreIdleTimeout();
    const headers = {
      "content-type": "application/json",
      "x-clewline-estimated": "input_tokens",
      ...requestIdHeaders(exchange.id),
    };
    ended({ kind: "delivered", reply: { status: 200, headers, body } });
  });
}
