/** What of a captured request is sent when it is replayed: what decides the answer, and nothing of the connection. */
import type { ReplyOf } from "../../../../src/admin/contract.ts";
import { MASK, withoutMasks } from "../../lib/masked.ts";

export interface Replayed {
  readonly path: string;
  /** JSON for a person to change. */
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Versions, betas and the gateway's own. Others name the client or its connection. */
const SENT = /^(?:anthropic-(?:version|beta)|openai-beta|x-clewline-[a-z-]+)$/;
/** As the admin's API takes values. */
const VALUE = /^[\x20-\x7e]{0,4096}$/;

/** null: the body is not whole, or is no JSON object. */
export function replayOf({ request }: Pick<ReplyOf<"getCapture">, "request">): Replayed | null {
  const { path, headers, body } = request;
  if (body === null || body.isCut || body.text === null) return null;
  const shown = printedObject(body.text);
  if (shown === null) return null;
  const sent = headers.filter(([name, value]) => SENT.test(name) && VALUE.test(value) && value !== MASK);
  return {
    path: withoutMasks(path),
    body: shown,
    headers: Object.fromEntries(sent),
  };
}

function printedObject(text: string): string | null {
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject ? JSON.stringify(value, null, 2) : null;
  } catch {
    return null;
  }
}
