/** The replies to clients when no credential is left for a model, and the bounds of absurd reset times. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { systemClock } from "../../src/core/clock.ts";
import { makeIds } from "../../src/core/ids.ts";
import { GENERAL_FAULTS } from "../../src/simulator/scenarios/scenarios.ts";
import { type Simulator, startSimulator } from "../../src/simulator/server/simulator.ts";
import {
  type Gateway,
  KEYS_TOML,
  KNOWN_SERVERS_AT_LOCALHOST,
  startGateway,
  until,
  upstreamToml,
} from "../kit/gateway.ts";
import { CHAT, GEMINI, MESSAGES, RESPONSES, type Recording } from "../kit/recordings.ts";
import { type Asked, ask, type Way } from "./asking.ts";

const DAY_S = 86_400;
/** A provider that counts in whole seconds may add this much. */
const ROUNDING_S = 1;
/** The earlier of the two limits of `cooling`; it ends before a refused key is tried again. */
const COOLING_S = 20;

/**
 * The faults that the keys of an upstream order from the simulator: general faults, in each vendor's own
 * words.
 */
const POOLS: Readonly<Record<string, readonly string[]>> = {
  cooling: ["rate-limit,reset=50", `rate-limit,reset=${COOLING_S}`, "invalid-key"],
  forbidden: ["forbidden-model", "forbidden-model"],
  unusable: ["invalid-key", "invalid-key"],
  good: [""],
};
const DIALECTS: readonly Recording[] = [CHAT, RESPONSES, MESSAGES, GEMINI];
const WAYS = DIALECTS.flatMap((recording): Way[] => [
  { name: `${recording.name} whole`, recording, isStream: false },
  { name: `${recording.name} stream`, recording, isStream: true },
]);
/** Reset times that the simulator sends, and the seconds for which the gateway parks. */
const RESETS: readonly (readonly [told: string, leftS: number])[] = [
  ["0", 1],
  // A time that is over says nothing about the limit that was met: the first guess counts.
  ["-30", 5],
  ["0.2", 1],
  ["1000000000", 31 * DAY_S],
  ["2678401", 31 * DAY_S],
];

let simulator: Simulator;
let gateway: Gateway;

beforeAll(async () => {
  simulator = await startSimulator({ clock: systemClock, ids: makeIds() });
  const toml = [KEYS_TOML];
  // Each dialect and framing has pools of its own, so that no test meets a credential that another one
  // parked.
  for (const [index, { recording }] of WAYS.entries()) {
    const { family } = recording;
    for (const [name, faults] of Object.entries(POOLS)) {
      // Only a provider that refuses the gateway's own call too makes a credential wait for a person.
      const origin = name === "unusable" ? simulator.url.replace("127.0.0.1", "localhost") : simulator.url;
      const baseUrl = family === "openai" ? `${origin}/v1` : origin;
      const credentials = Object.fromEntries(
        faults.map((fault, i) => [`key-${i}`, `sk-secret-${index}${name}${i}~${fault}`]),
      );
      toml.push(upstreamToml(`${name}-${index}`, family, baseUrl, { credentials }));
    }
    const targets = ["cooling", "unusable", "forbidden", "good"].map(
      (name) => `"${name}-${index}/${recording.model}"`,
    );
    toml.push(`[[models]]\nname = "falls-back-${index}"\ntargets = [${targets.join(", ")}]\n`);
  }
  for (const [index, [told]] of RESETS.entries()) {
    const credentials = {
      odd: `sk-odd-${index}~anthropic/rate-limit,reset=${told}`,
      good: `sk-good-${index}`,
    };
    toml.push(upstreamToml(`odd-${index}`, "anthropic", simulator.url, { credentials }));
  }
  gateway = await startGateway({
    toml: toml.join("\n"),
    preloads: [KNOWN_SERVERS_AT_LOCALHOST],
    env: { CLEWLINE_TEST_SERVERS: "api.openai.com,api.anthropic.com,generativelanguage.googleapis.com" },
  });
  for (const way of WAYS) await askPool("unusable", way);
  await until("every refused key is confirmed to be invalid", async () => {
    const { out } = await gateway.command("credentials", "--json");
    const refused = out.split("\n").filter((line) => line.includes('"upstream":"unusable-'));
    return refused.every((line) => line.includes('"state":"invalid"'));
  });
});

afterAll(async () => {
  const log = gateway.log();
  await gateway.close();
  await simulator.close();
  expect(log).not.toContain("sk-secret");
});

interface DialectError {
  readonly message: string;
  readonly type?: string;
  readonly code?: string | number | null;
  readonly status?: string;
}

function errorOf({ text, completeAtMs }: Asked): DialectError {
  expect(completeAtMs).toBeNull();
  expect(text).not.toContain("sk-secret");
  const body: unknown = JSON.parse(text);
  return ((Array.isArray(body) ? body[0] : body) as { error: DialectError }).error;
}

const askPool = (name: string, way: Way): Promise<Asked> => {
  const index = WAYS.indexOf(way);
  return ask(gateway.url, way, { model: `${name}-${index}/${way.recording.model}` });
};

describe.each(WAYS.map((way) => [way.name, way] as const))("%s", (_, way) => {
  test("H-123 all at their limit: 429 in the dialect, with the earliest of the resets", async () => {
    const sinceMs = performance.now();
    for (let round = 0; round < 2; round += 1) {
      const answer = await askPool("cooling", way);
      const { type, status } = errorOf(answer);
      expect(answer.status).toBe(429);
      const passedS = (performance.now() - sinceMs) / 1_000;
      expect(Number(answer.retryAfter)).toBeGreaterThanOrEqual(Math.floor(COOLING_S - passedS));
      expect(Number(answer.retryAfter)).toBeLessThanOrEqual(COOLING_S + ROUNDING_S);
      if (way.recording.dialect === "anthropic-messages") expect(type).toBe("rate_limit_error");
      if (way.recording.dialect === "gemini") expect(status).toBe("RESOURCE_EXHAUSTED");
    }
  });

  test("the model is for none of them: the provider's own refusal, each time", async () => {
    for (let round = 0; round < 3; round += 1) {
      const answer = await askPool("forbidden", way);
      expect(answer.status).toBe(404);
      expect(errorOf(answer).message).toContain(way.recording.model);
    }
  });

  test("none without a person's help: an error that nobody repeats, with the reason and no secret", async () => {
    const { dialect } = way.recording;
    const repeatsWhatever = dialect === "gemini" || dialect === "openai-responses";
    for (let round = 0; round < 2; round += 1) {
      const answer = await askPool("unusable", way);
      expect(answer.status).toBe(repeatsWhatever ? 400 : 503);
      expect(errorOf(answer).message).toMatch(
        /^the provider refuses this gateway's credentials for the model \(unusable-\d+: the key .*see `clewline credentials`$/,
      );
    }
  });

  test("the next target answers instead", async () => {
    for (let round = 0; round < 2; round += 1) {
      const answer = await ask(gateway.url, way, { model: `falls-back-${WAYS.indexOf(way)}` });
      expect([answer.status, answer.completeAtMs === null]).toEqual([200, false]);
      const row = await gateway.row(answer.requestId);
      expect(row).toMatchObject({ outcome: "ok", upstream: `good-${WAYS.indexOf(way)}` });
    }
  });
});

test("H-140 absurd reset times are held within a second and 31 days", async () => {
  const asked: { atMs: number; doneMs: number }[] = [];
  for (const index of RESETS.keys()) {
    const atMs = Date.now();
    const way: Way = { name: "messages", recording: MESSAGES, isStream: false };
    const { status } = await ask(gateway.url, way, { model: `odd-${index}/${MESSAGES.model}` });
    expect(status).toBe(200);
    asked.push({ atMs, doneMs: Date.now() });
  }
  const { out } = await gateway.command("credentials", "--json");
  const listed = out
    .split("\n")
    .filter((line) => line !== "")
    .map(
      (line) =>
        JSON.parse(line) as { upstream: string; name: string; models: readonly { until: string | null }[] },
    );
  for (const [index, [told, leftS]] of RESETS.entries()) {
    const until = listed.find((one) => one.upstream === `odd-${index}` && one.name === "odd")?.models[0]
      ?.until;
    const { atMs = 0, doneMs = 0 } = asked[index] ?? {};
    if (until === undefined) {
      // A park whose time is over is not shown any more.
      expect([told, Date.now() >= atMs + leftS * 1_000]).toEqual([told, true]);
      continue;
    }
    const untilMs = Date.parse(until ?? "");
    expect([told, untilMs >= atMs + leftS * 1_000 - 100]).toEqual([told, true]);
    expect([told, untilMs <= doneMs + (leftS + ROUNDING_S) * 1_000]).toEqual([told, true]);
  }
});

test("every general fault is known in every vendor's words", () => {
  for (const faults of Object.values(POOLS).flat()) {
    const name = faults.split(",")[0] ?? "";
    if (name !== "") expect(Object.keys(GENERAL_FAULTS)).toContain(name);
  }
});
