/** Requests of models that a person makes in the admin: the playground's, and tests of credentials. */
import * as v from "valibot";
import type { ClientRequest } from "../http/client-request.ts";
import { AdminError } from "./admin-error.ts";
import type { AdminContext } from "./context.ts";
import type { ReplyOf } from "./contract.ts";
import type { Handlers } from "./handler.ts";

type Tested = ReplyOf<"testCredential">;

const PROMPT = "Say hello in one word.";
/** Models that think before they say something need more than the word. */
const MAX_TOKENS = 512;
const MAX_SHOWN_CHARS = 20_000;

export function makeTryHandlers(context: AdminContext): Pick<Handlers, "try" | "testCredential"> {
  return {
    try: async ({ client, body }) => forPage(await context.send(client, body, null)),
    async testCredential({ client, params: { upstream, name }, body }) {
      const id = `${upstream}/${name}`;
      if (!context.pool.list().some((one) => one.id === id))
        throw new AdminError("not_found", `there is no credential "${id}" in the configuration in force`);
      const model = body.model ?? (await cheapestModel(context, upstream));
      if (model === null)
        throw new AdminError("bad_request", `no model of the upstream "${upstream}" is known; name one`, {
          path: "model",
        });
      return await test(context, client, id, `${upstream}/${model}`, body.prompt ?? PROMPT);
    },
  };
}

/**
 * The reply with the headers that a page has a use for: an upstream's others, such as `clear-site-data`, `refresh` or a
 * policy, would be obeyed as those of the admin itself.
 */
function forPage(reply: Response): Response {
  for (const name of [...reply.headers.keys()]) if (!FOR_PAGE.test(name)) reply.headers.delete(name);
  return reply;
}

const FOR_PAGE =
  /^(?:content-type|cache-control|retry-after|(?:x-)?request-id|x-clewline-.*|x-accel-buffering)$/;

/** Of the models in the upstream's own list and in entries; null: none is known. */
async function cheapestModel(context: AdminContext, upstream: string): Promise<string | null> {
  const prefix = `${upstream}/`;
  const listed = await context.listedModels();
  const named = context.snapshot().config.models.flatMap(({ name }) => {
    const plan = context.snapshot().plan(name);
    return "targets" in plan ? plan.targets : [];
  });
  const names = [
    ...named.filter((target) => target.upstream === upstream).map(({ model }) => model),
    ...listed.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length)),
  ].filter((name) => !name.includes("*"));
  const costOf = (name: string): number =>
    context.priceOf(upstream, name)?.output ?? Number.POSITIVE_INFINITY;
  // Models of embeddings have no price of output, or one of 0.
  return (
    names.toSorted((a, b) => (costOf(a) || Number.MAX_VALUE) - (costOf(b) || Number.MAX_VALUE))[0] ?? null
  );
}

const message = v.object({ content: v.array(v.object({ text: v.optional(v.string(), "") })) });
const failure = v.object({ error: v.object({ message: v.string() }) });

/** In one dialect for all upstreams: a request is translated where an upstream speaks another one. */
async function test(
  { clock, send }: AdminContext,
  client: ClientRequest,
  id: string,
  model: string,
  prompt: string,
): Promise<Tested> {
  const startedMs = clock.monotonicMs();
  const body = { model, max_tokens: MAX_TOKENS, messages: [{ role: "user", content: prompt }] };
  const headers = { "anthropic-version": "2023-06-01", "x-clewline-report": "1" };
  const reply = await send(client, { path: "/v1/messages", body, headers }, id);
  const said: unknown = await reply.json().catch(() => null);
  const good = v.safeParse(message, said);
  const bad = v.safeParse(failure, said);
  const isGood = reply.ok && good.success;
  return {
    isGood,
    requestId: reply.headers.get("x-request-id") ?? "",
    status: reply.status,
    model,
    text: good.success
      ? good.output.content
          .map(({ text }) => text)
          .join("")
          .slice(0, MAX_SHOWN_CHARS)
      : bad.success
        ? bad.output.error.message.slice(0, MAX_SHOWN_CHARS)
        : `the reply has status ${reply.status}`,
    firstByteMs: null,
    durationMs: clock.monotonicMs() - startedMs,
    costNanoUsd: nanoUsdIn(reply.headers.get("x-clewline-cost")),
  };
}

/** Dollars as exact text. */
function nanoUsdIn(usd: string | null): number | null {
  const [, whole, part = ""] = /^(\d+)(?:\.(\d{1,9}))?$/.exec(usd ?? "") ?? [];
  return whole === undefined ? null : Number(whole) * 1e9 + Number(part.padEnd(9, "0"));
}
