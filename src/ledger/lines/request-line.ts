/** A row as the line of a request, for whoever watches the gateway. */
import type { RequestLine } from "../../core/request-lines/request-lines.ts";
import type { LedgerRow } from "../row.ts";

/** As in the row's `attemptLog`. */
interface Note {
  readonly upstream: string | null;
  readonly credential: string | null;
  readonly status: number | null;
  readonly signal: string;
}

/** `reason`: see `RequestLine`; the row does not have it. */
export function requestLineOf(row: LedgerRow, reason: string | null): RequestLine {
  const { upstream, modelUsed, usage } = row;
  const notes = row.attemptLog === null ? [] : (JSON.parse(row.attemptLog) as readonly Note[]);
  return {
    requestId: row.id,
    status: row.status,
    outcome: row.outcome,
    errorKind: row.errorKind,
    reason,
    key: row.key,
    asked: row.modelAsked ?? row.endpoint,
    model: upstream === null ? null : `${upstream}/${modelUsed ?? ""}`,
    credential: row.credential,
    failed: notes.filter(({ signal }) => signal !== "ok").map(noteText),
    inputTokens: usage.inputTokens,
    outputTokens: usage.outputTokens,
    costNanoUsd: row.costNanoUsd,
    durationMs: row.durationMs,
  };
}

function noteText({ upstream, credential, status, signal }: Note): string {
  const place = [upstream, credential].filter((name) => name !== null).join("/");
  return `${place === "" ? "" : `${place}: `}${signal}${status === null ? "" : ` ${status}`}`;
}
