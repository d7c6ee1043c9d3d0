/** A71: a long body that is relayed holds up all else for a moment at most, also where it is changed, or looked up in the cache. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { makeRoute } from "../../src/dialects/endpoint.ts";
import {
  type ConfigUnderTest,
  clientUnderTest,
  GatewayUnderTest,
} from "../../src/proxy/fixtures/gateway-under-test.ts";
import { handle } from "../../src/proxy/handle.ts";
import { type RawUpstream, sendWhole, startRawUpstream } from "../kit/raw-upstream.ts";
import { CHAT } from "../kit/recordings.ts";
import { longestTurnMs } from "./turns.ts";

const MEGABYTE = 1024 * 1024;
const TRIES = 4;
const ROUTE = makeRoute("chat.completions", "/v1/chat/completions");

let upstream: RawUpstream;
beforeAll(async () => {
  upstream = await startRawUpstream((arrived) => sendWhole(arrived, CHAT.whole));
});
afterAll(() => upstream?.close());

function conversation(bytes: number, head: string): string {
  const turn = JSON.stringify([
    { role: "user", content: "What does this say?".padEnd(400, " lorem ipsum") },
    {
      role: "assistant",
      content: null,
      tool_calls: [{ id: "call_N", type: "function", function: { name: "read", arguments: '{"a":1}' } }],
    },
    { role: "tool", tool_call_id: "call_N", content: "export const a = 1;\n".repeat(60) },
  ]).slice(1, -1);
  const turns = Array.from({ length: Math.floor(bytes / turn.length) }, (_, n) =>
    turn.replaceAll("call_N", `call_${n}`),
  );
  return `{${head}"messages":[${turns.join(",")}]}`;
}

const numbers = (bytes: number, head: string): string =>
  `{${head}"messages":[{"role":"user","content":"go"}],"x":[${"0,".repeat(bytes / 2)}0]}`;

interface Case {
  readonly config?: Partial<ConfigUnderTest>;
  readonly head: string;
}

const CASES: Readonly<Record<string, Case>> = {
  "a suffix of the model's name": { head: '"model":"gpt-5-thinking",' },
  "a repair that the model is known to need": { head: '"model":"gpt-5","max_tokens":9,' },
  "words of an entry": {
    head: '"model":"brief",',
    config: { models: [{ name: "brief", targets: ["up/gpt-4.1"], systemBefore: "Be brief." }] },
  },
  "the response cache": { head: '"model":"gpt-4.1","temperature":0,', config: { key: { cache: "all" } } },
};

/** The CPU of the longest turn of the event loop while the request is served, of the best of some tries. */
async function bestOfTriesMs({ config, head }: Case, bodyOf: (head: string) => string): Promise<number> {
  const gateway = new GatewayUnderTest({
    upstreams: [{ name: "up", family: "openai", baseUrl: `${upstream.url}/v1` }],
    server: { bodyLimitBytes: 32 * MEGABYTE },
    ...config,
  });
  let best = Number.POSITIVE_INFINITY;
  for (let tried = 0; tried < TRIES; tried++) {
    const body = bodyOf(`"n":${tried},${head}`);
    const headers = { "content-length": String(Buffer.byteLength(body)) };
    const client = clientUnderTest("/v1/chat/completions", body, headers);
    upstream.forget();
    const ask = () => handle(gateway, ROUTE, client, gateway.tester).then((one) => one.text());
    best = Math.min(best, await longestTurnMs(ask));
  }
  await gateway.close();
  return best;
}

test.each(Object.entries(CASES))(
  "A71 with %s: five megabytes take no turn of more than 75 ms of CPU",
  async (_, one) => {
    const ms = await bestOfTriesMs(one, (head) => conversation(5 * MEGABYTE, head));
    expect([ms < 75, ms]).toEqual([true, ms]);
  },
  60_000,
);

test.each(Object.entries(CASES))(
  "A71 with %s: the longest body takes no turn of more than 500 ms",
  async (_, one) => {
    for (const bodyOf of [conversation, numbers]) {
      const ms = await bestOfTriesMs(one, (head) => bodyOf(31 * MEGABYTE, head));
      expect([ms < 500, ms]).toEqual([true, ms]);
    }
  },
  120_000,
);
