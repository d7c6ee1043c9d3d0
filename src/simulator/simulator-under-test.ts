// What the simulator's tests share: a running one, and the smallest good request of each dialect.

import { systemClock } from "../core/clock.ts";
import { makeIds } from "../core/ids.ts";
import type { SeenRequest } from "./recorder.ts";
import { type Simulator, startSimulator } from "./simulator.ts";

export function startForTest(): Promise<Simulator> {
  return startSimulator({ clock: systemClock, ids: makeIds() });
}

export type Dialect = "openai-chat" | "openai-responses" | "anthropic-messages" | "gemini";

export interface Sample {
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: Record<string, unknown>;
}

export const DIALECTS: readonly Dialect[] = [
  "openai-chat",
  "openai-responses",
  "anthropic-messages",
  "gemini",
];

/** `key` and `model` may carry faults. */
export function sample(
  dialect: Dialect,
  options: {
    stream?: boolean;
    key?: string;
    fault?: string;
    body?: Record<string, unknown>;
    model?: string;
  } = {},
): Sample {
  const { stream = false, key = "sk-test-1234", fault, body = {} } = options;
  const script: Record<string, string> = fault === undefined ? {} : { "x-simulate": fault };
  const headers = { "content-type": "application/json", ...script };
  const bearer = { ...headers, authorization: `Bearer ${key}` };
  switch (dialect) {
    case "openai-chat": {
      const model = options.model ?? "gpt-4.1";
      const messages = [{ role: "user", content: "Hello there" }];
      return { path: "/v1/chat/completions", headers: bearer, body: { model, messages, stream, ...body } };
    }
    case "openai-responses": {
      const model = options.model ?? "gpt-4.1";
      return {
        path: "/v1/responses",
        headers: bearer,
        body: { model, input: "Hello there", stream, ...body },
      };
    }
    case "anthropic-messages": {
      const model = options.model ?? "claude-opus-4-6";
      const messages = [{ role: "user", content: "Hello there" }];
      return {
        path: "/v1/messages",
        headers: { ...headers, "x-api-key": key, "anthropic-version": "2023-06-01" },
        body: { model, max_tokens: 1000, messages, stream, ...body },
      };
    }
    case "gemini": {
      const model = encodeURIComponent(options.model ?? "gemini-2.5-flash");
      const method = stream ? "streamGenerateContent?alt=sse" : "generateContent";
      return {
        path: `/v1beta/models/${model}:${method}`,
        headers: { ...headers, "x-goog-api-key": key },
        body: { contents: [{ role: "user", parts: [{ text: "Hello there" }] }], ...body },
      };
    }
  }
}

export function post(simulator: Simulator, { path, headers, body }: Sample): Promise<Response> {
  return fetch(simulator.url + path, { method: "POST", headers, body: JSON.stringify(body) });
}

export async function seenBy(simulator: Simulator, since = 0): Promise<SeenRequest[]> {
  const response = await fetch(`${simulator.url}/_simulator/requests?since=${since}`);
  return (await response.json()) as SeenRequest[];
}

export async function reset(simulator: Simulator): Promise<void> {
  await fetch(`${simulator.url}/_simulator/reset`, { method: "POST" });
}

/** What is wrong, the fields put into the smallest good body, and what the provider's message says. */
export type RefusalCase = readonly [what: string, body: Record<string, unknown>, message: RegExp];

/** A good request made wrong. Gemini has its model in the path and not in the body. */
export function caseRequest(
  dialect: Dialect,
  body: Record<string, unknown>,
  headers: Record<string, string> = {},
): Sample {
  const good = sample(dialect, { body, ...(typeof body.model === "string" ? { model: body.model } : {}) });
  const { model: _, ...bodyWithout } = good.body;
  return {
    ...good,
    headers: { ...good.headers, ...headers },
    body: dialect === "gemini" ? bodyWithout : good.body,
  };
}

export interface ErrorBody {
  readonly message: string;
  readonly param?: string | null;
  readonly status?: string;
}

export async function refusalOf(
  simulator: Simulator,
  request: Sample,
): Promise<{ readonly status: number; readonly error: ErrorBody }> {
  const response = await post(simulator, request);
  const body = (await response.json()) as { readonly error?: ErrorBody };
  return { status: response.status, error: body.error ?? { message: "no refusal" } };
}
