/** The first request, in one dialect for all upstreams: a request is translated where an upstream speaks another one. */
import { call, callRaw } from "../../lib/api.ts";

export interface FirstAnswer {
  readonly text: string;
  readonly requestId: string;
  readonly durationMs: number;
}

/** Models that think before they say something need more than a sentence. */
const MAX_TOKENS = 1_024;

/** Throws `ApiError`. */
export async function sendFirst(model: string, prompt: string): Promise<FirstAnswer> {
  const startMs = performance.now();
  const reply = await callRaw("try", {
    body: {
      path: "/v1/messages",
      body: { model, max_tokens: MAX_TOKENS, messages: [{ role: "user", content: prompt }] },
      headers: { "anthropic-version": "2023-06-01" },
    },
  });
  return {
    text: textOf(await reply.json()),
    requestId: reply.headers.get("x-request-id") ?? "",
    durationMs: performance.now() - startMs,
  };
}

/** An answer is foreign text: every member may be missing or of another form. */
export function textOf(answer: unknown): string {
  const content = (answer as { readonly content?: unknown } | null)?.content;
  if (!Array.isArray(content)) return "";
  return content
    .map((block: { readonly type?: unknown; readonly text?: unknown } | null) =>
      block?.type === "text" && typeof block.text === "string" ? block.text : "",
    )
    .join("");
}

/** null: the row has none. The ledger answers with the row once it is committed. */
export async function costOfRequest(id: string, signal: AbortSignal): Promise<number | null> {
  return (await call("getRequest", { params: { id }, signal })).row.costNanoUsd;
}
