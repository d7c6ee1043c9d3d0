import type { Principal } from "../../auth/keys.ts";
import type { Captures } from "../../capture/captures.ts";
import type { RunningCapture } from "../../capture/running-capture.ts";
import type { Route } from "../../dialects/endpoint.ts";
import type { ClientRequest } from "../../http/client-request.ts";
import { escapeModel } from "../attempt/upstream-request.ts";

interface CapturedOne {
  readonly id: string;
  readonly atMs: number;
  /** On the monotonic clock. */
  readonly startedMs: number;
  readonly route: Route;
  readonly client: ClientRequest;
  readonly principal: Principal;
}

/** What is kept of a request whose key is captured; null: nothing is captured now. */
export function beginCapture(
  captures: Pick<Captures, "begin">,
  { id, atMs, startedMs, route, client, principal }: CapturedOne,
): RunningCapture | null {
  const { path, pathModel, action, dialect } = route;
  return captures.begin({
    id,
    atMs,
    startedMs,
    key: principal.name,
    dialect,
    method: client.method,
    path: action === null ? path : `${path}${escapeModel(pathModel ?? "")}:${action}`,
    search: client.search,
    headers: client.headers.lines,
  });
}
