import { afterAll, beforeAll, expect, test } from "bun:test";
import { answerWell, ask, keyOf, WAYS } from "../faults/asking.ts";
import { type Gateway, IS_FULL, KEYS_TOML, startGateway, upstreamToml } from "../kit/gateway.ts";
import { type RawUpstream, startRawUpstream } from "../kit/raw-upstream.ts";
import { describeKind } from "./kind.ts";
import { kind } from "./kinds/storms.ts";
import { stormsOf } from "./storm-replies.ts";

const REQUESTS = IS_FULL ? 1_000 : 150;
const CLIENTS = 8;
const GOOD = ["good-one", "good-two", "good-three"];
const FAMILIES = ["anthropic", "gemini", "openai"] as const;

describeKind(kind, () => {
  const storms = stormsOf(Date.now());
  const bad = Object.keys(storms);
  let isStorm = true;
  let upstream: RawUpstream;
  let gateway: Gateway;

  beforeAll(async () => {
    upstream = await startRawUpstream(async (request) => {
      const fail = isStorm ? storms[keyOf(request).replace(/^key-of-/, "")] : undefined;
      await (fail === undefined ? answerWell(request) : fail(request));
    });
    const credentials = Object.fromEntries([...bad, ...GOOD].map((name) => [name, `key-of-${name}`]));
    const lines = "connect_timeout_ms = 2000\nfirst_byte_timeout_ms = 10000";
    const tables = FAMILIES.map((family) =>
      upstreamToml(family, family, family === "openai" ? `${upstream.url}/v1` : upstream.url, {
        credentials,
        lines,
      }),
    );
    gateway = await startGateway({ toml: [...tables, KEYS_TOML].join("\n") });
  });

  afterAll(async () => {
    await gateway.close();
    await upstream.close();
  });

  async function askAll(count: number): Promise<readonly string[]> {
    const unserved: string[] = [];
    let next = 0;
    const client = async (): Promise<void> => {
      for (let n = next++; n < count; n = next++) {
        const way = WAYS[n % WAYS.length] as (typeof WAYS)[number];
        const { status, text, completeAtMs } = await ask(gateway.url, way);
        if (status !== 200 || completeAtMs === null)
          unserved.push(`${n} ${way.name}: ${status} ${text.slice(0, 160)}`);
      }
    };
    await Promise.all(Array.from({ length: CLIENTS }, client));
    return unserved;
  }

  test(`reported: ${REQUESTS} requests in all dialects are served while seventeen of twenty fail`, async () => {
    expect(bad).toHaveLength(17);
    expect(await askAll(REQUESTS)).toEqual([]);
    const asked = new Set(upstream.seen.map((request) => keyOf(request).replace("key-of-", "")));
    expect(bad.filter((name) => !asked.has(name))).toEqual([]);
  });

  test("each request has one row, and the good credentials have served them all", async () => {
    const rows = await gateway.rows();
    expect(rows).toHaveLength(REQUESTS);
    expect(
      rows.filter(({ outcome, credential }) => outcome !== "ok" || !GOOD.includes(credential ?? "")),
    ).toEqual([]);
  });

  test("no credential waits for a person, and all requests are served once the storm is over", async () => {
    const { out } = await gateway.command("credentials", "--json");
    const states = out
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as { name: string; state: string; until: string | null });
    expect(states.length).toBe(FAMILIES.length * (bad.length + GOOD.length));
    expect(states.filter(({ state, until }) => state !== "ready" && until === null)).toEqual([]);
    isStorm = false;
    expect(await askAll(WAYS.length * 2)).toEqual([]);
  });
});
