import { afterAll, beforeAll, expect, test } from "bun:test";
import { systemClock } from "../../src/core/clock.ts";
import { makeIds } from "../../src/core/ids.ts";
import { type Simulator, startSimulator } from "../../src/simulator/server/simulator.ts";
import { CLIENT_KEY, type Gateway, KEYS_TOML, startGateway, upstreamToml } from "../kit/gateway.ts";
import { describeKind } from "./kind.ts";
import { kind } from "./kinds/usage-places.ts";

/** Long enough to be cached when it comes again. */
const PROMPT = "It was a long day, and it went on and on. ".repeat(150);
/** Oddities of usage by the simulator's words. */
const PLACES = [
  "flat-cache",
  "cached-at-top",
  "usage-in-choice",
  "x-groq",
  "outside-reasoning",
  "usage-in-finish",
  "usage-every-chunk",
  "usage-twice",
] as const;

let simulator: Simulator;
let gateway: Gateway;

beforeAll(async () => {
  simulator = await startSimulator({ clock: systemClock, ids: makeIds() });
  gateway = await startGateway({
    toml: [
      KEYS_TOML,
      upstreamToml("compat", "openai", `${simulator.url}/v1`, { lines: 'dialects = ["openai-chat"]' }),
    ].join("\n"),
  });
});
afterAll(async () => {
  await gateway.close();
  await simulator.close();
});

type Row = Readonly<Record<string, number | string | null>>;

async function rowOf(path: string, body: object): Promise<Row> {
  const response = await fetch(gateway.url + path, {
    method: "POST",
    headers: { authorization: `Bearer ${CLIENT_KEY}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  expect([response.status, await response.text()]).toEqual([200, expect.any(String)]);
  const id = response.headers.get("x-request-id") ?? response.headers.get("request-id");
  return (await gateway.row(id)) as unknown as Row;
}

const counts = ({ usage_state, input_tokens, output_tokens, cache_read_tokens, reasoning_tokens }: Row) => ({
  usage_state,
  input_tokens,
  output_tokens,
  cache_read_tokens,
  reasoning_tokens,
});

describeKind(kind, () => {
  for (const isStream of [false, true]) {
    for (const [path, member] of [
      ["/v1/chat/completions", "max_completion_tokens"],
      ["/v1/messages", "max_tokens"],
    ] as const) {
      for (const place of PLACES) {
        const how = `${path === "/v1/messages" ? "translated" : "relayed"}, ${isStream ? "streamed" : "whole"}`;
        test(`${place}, ${how}: the row has the same counts as by the book`, async () => {
          const ask = (words: string): object => ({
            model: `compat/house-1~${words}`,
            messages: [{ role: "user", content: `${place} ${how} ${PROMPT}` }],
            [member]: 500,
            stream: isStream,
          });
          const usual = "thinks,says=It was.";
          // The first one fills the cache.
          await rowOf(path, ask(usual));
          const byTheBook = counts(await rowOf(path, ask(usual)));
          expect(byTheBook.cache_read_tokens).toBeGreaterThan(1_000);
          expect(counts(await rowOf(path, ask(`${usual},compat=${place}`)))).toEqual(byTheBook);
        });
      }
    }
  }
});
