/** Requests of models that a person makes in the admin: the playground's, and tests of credentials. */
import { setTimeout } from "node:timers/promises";
import type { ClientRequest } from "../http/client-request.ts";
import { ReaderError } from "../ledger/reader/ledger-reader.ts";
import { AdminError } from "./admin-error.ts";
import type { AdminContext } from "./context.ts";
import type { ReplyOf } from "./contract.ts";
import { readTestedReply } from "./credentials/tested-reply.ts";
import type { Handlers } from "./handler.ts";
import { soon } from "./soon.ts";

type Tested = ReplyOf<"testCredential">;

const PROMPT = "Say hello in one word.";
/** Models that think before they say something need more than the word. */
const MAX_TOKENS = 512;
const VERSION = { "anthropic-version": "2023-06-01" };
/** The row of a stream may follow its end. */
const COST_LOOKS = 5;
const COST_LOOK_MS = 100;
const COST_WAIT_MS = 2_000;

export function makeTryHandlers(context: AdminContext): Pick<Handlers, "try" | "testCredential"> {
  return {
    try: async ({ client, body }) => forPage(await context.send(client, body, null)),
    async testCredential({ client, params: { upstream, name }, body }) {
      const id = `${upstream}/${name}`;
      if (!context.pool.list().some((one) => one.id === id))
        throw new AdminError("not_found", `there is no credential "${id}" in the configuration in force`);
      const model = body.model ?? (await cheapestModel(context, upstream));
      if (model === null) throw await noModelKnown(context, upstream);
      return await test(context, client, id, `${upstream}/${model}`, body.prompt ?? PROMPT);
    },
  };
}

/** An upstream of which no model is known mostly cannot be reached, or refuses the key: that is the nearer reason. */
async function noModelKnown({ examine }: AdminContext, upstream: string): Promise<AdminError> {
  const findings = await examine(upstream);
  const wrong =
    findings.find(({ level }) => level === "problem") ?? findings.find(({ level }) => level === "warning");
  if (wrong === undefined)
    return new AdminError("bad_request", `no model of the upstream "${upstream}" is known; name one`, {
      path: "model",
    });
  return new AdminError("bad_request", [wrong.message, wrong.repair].filter((part) => part).join("; "));
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

/** Of the models in entries and in the upstream's own list, which a provider gives to good keys alone; null: none is known. */
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
  // Without a list a wrong key would be told from a good one by nobody.
  if (names.length === 0) names.push(...context.pricedModels(upstream));
  const rateOf = (name: string): number =>
    context.priceOf(upstream, name)?.output ?? Number.POSITIVE_INFINITY;
  // Models of embeddings have no price of output, or one of 0.
  return (
    names.toSorted((a, b) => (rateOf(a) || Number.MAX_VALUE) - (rateOf(b) || Number.MAX_VALUE))[0] ?? null
  );
}

/** In one dialect for all upstreams: a request is translated where an upstream speaks another one. */
async function test(
  context: AdminContext,
  client: ClientRequest,
  id: string,
  model: string,
  prompt: string,
): Promise<Tested> {
  const { clock, send } = context;
  const startedMs = clock.monotonicMs();
  // A stream, because a whole answer does not tell when the model began.
  const body = { model, max_tokens: MAX_TOKENS, stream: true, messages: [{ role: "user", content: prompt }] };
  const reply = await send(client, { path: "/v1/messages", body, headers: VERSION }, id);
  const { isGood, text, firstByteMs } = await readTestedReply(reply, () => clock.monotonicMs());
  const durationMs = clock.monotonicMs() - startedMs;
  const requestId = reply.headers.get("x-request-id") ?? "";
  return {
    isGood,
    requestId,
    status: reply.status,
    model,
    text,
    firstByteMs: firstByteMs === null ? null : firstByteMs - startedMs,
    durationMs,
    costNanoUsd: await costOf(context, requestId),
  };
}

/** null: it has none, or the ledger does not tell soon; the request's page will. */
async function costOf({ reader, log }: AdminContext, id: string): Promise<number | null> {
  const query = { filter: { id }, limit: 1, cursor: null };
  const asked = (async () => {
    try {
      for (let look = 0; look < COST_LOOKS; look++) {
        const [page] = await reader.rows([query]);
        const [row] = page?.rows ?? [];
        if (row !== undefined) return row.costNanoUsd;
        await setTimeout(COST_LOOK_MS);
      }
    } catch (error) {
      if (!(error instanceof ReaderError)) throw error;
      log.info({ error: error.message }, "the cost of a test cannot be read now");
    }
    return null;
  })();
  return await soon(asked, COST_WAIT_MS);
}
