/**
 * Upstreams whose answers are wrong in any way that JSON allows, with clients of another dialect: the fault
 * costs one request, which gets an error.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { askCell, CELLS, type Cell, readTold, translatedToml } from "../flow/translated.ts";
import { type Gateway, IS_FULL, startGateway } from "../kit/gateway.ts";
import { type RawUpstream, sendStream, sendWhole, startRawUpstream } from "../kit/raw-upstream.ts";
import { answerWell, wayOf } from "./asking.ts";
import { type Chance, chanceFrom } from "./seeded.ts";

let upstream: RawUpstream;
let gateway: Gateway;

beforeAll(async () => {
  upstream = await startRawUpstream((arrived) => answerWell(arrived));
  gateway = await startGateway({ toml: translatedToml(upstream.url) });
});
afterAll(async () => {
  await gateway?.close();
  await upstream?.close();
});

const ODD: readonly unknown[] = [
  null,
  true,
  -1,
  1e308,
  2 ** 53,
  "",
  "constructor",
  "\u0000\ud800",
  [],
  {},
  [[]],
  [null],
  { __proto__: null, type: "text" },
  { type: {} },
  "x".repeat(5_000),
];

/** The same value, in which one inner value is replaced, left out or doubled. */
function spoil(value: unknown, chance: Chance): unknown {
  const entries = typeof value === "object" && value !== null ? Object.entries(value) : [];
  if (entries.length === 0 || chance.next() < 0.15) return chance.pick(ODD);
  const [key, inner] = chance.pick(entries);
  const rest = entries.filter(([name]) => name !== key);
  if (chance.next() < 0.1)
    return Array.isArray(value) ? rest.map(([, one]) => one) : Object.fromEntries(rest);
  const changed = spoil(inner, chance);
  if (Array.isArray(value)) return value.map((one, i) => (String(i) === key ? changed : one));
  return { ...(value as object), [key]: changed };
}

/** A frame with spoiled JSON. */
function spoilFrame(frame: string, chance: Chance): string {
  const data = /^(?:[\s\S]*\n)?data: (\{.*\})/m.exec(frame)?.[1];
  return data === undefined
    ? frame
    : frame.replace(data, () => JSON.stringify(spoil(JSON.parse(data), chance)));
}

/** Asks, and returns the fault of the answer; null: none. */
async function ask(cell: Cell, isStream: boolean): Promise<string | null> {
  const reply = await askCell(gateway, cell, isStream);
  const text = reply.body.toString();
  if (!reply.isWhole) return `cut off: ${text.slice(-300)}`;
  try {
    const told = readTold(cell.client, isStream && reply.status === 200, text);
    if (reply.status !== 200) return told.error === null ? `status ${reply.status} without an error` : null;
    if (told.isEnded === (told.error !== null))
      return `neither an end nor an error, or both: ${text.slice(-300)}`;
    return null;
  } catch (error) {
    return `${error}: ${text.slice(0, 2_000)}`;
  }
}

for (const cell of CELLS) {
  test(`${cell.name}: whatever is wrong with an answer, it ends well or in an error of the dialect`, async () => {
    const chance = chanceFrom(20_261_123);
    for (let round = 0; round < (IS_FULL ? 600 : 60); round += 1) {
      const isStream = round % 3 !== 0;
      const at = chance.whole(0, cell.upstream.frames.length - 1);
      const frames = cell.upstream.frames.map((frame, i) => (i === at ? spoilFrame(frame, chance) : frame));
      const whole = JSON.stringify(spoil(JSON.parse(cell.upstream.whole), chance));
      upstream.answer = (arrived) =>
        wayOf(arrived).isStream
          ? sendStream(arrived, frames, cell.upstream.streamType)
          : sendWhole(arrived, whole);
      const sent = isStream ? frames[at] : whole;
      expect([round, sent, await ask(cell, isStream)]).toEqual([round, sent, null]);
    }
    // The next request is served well.
    upstream.answer = (arrived) => answerWell(arrived);
    expect(await ask(cell, true)).toBeNull();
  }, 600_000);
}

test("none of it was an exception, and no credential had to pay", async () => {
  expect(gateway.log()).not.toMatch(/an exception cost|unhandled|uncaught/);
  const { out } = await gateway.command("credentials");
  expect(out).not.toMatch(/invalid|exhausted/);
  const rows = await gateway.rows();
  expect(rows.length).toBeGreaterThan(CELLS.length * 60);
  for (const { input_tokens: input, output_tokens: output } of rows) {
    for (const count of [input, output])
      expect(count === null || (Number.isSafeInteger(count) && count >= 0)).toBe(true);
  }
});

const ODD_COUNTS = [-1, -1e308, 1e308, 1.5, 2 ** 63, "12", null, [], {}, true, Number.MAX_SAFE_INTEGER];

test("H-149 absurd counts of tokens cost no answer, and nobody is shown them", async () => {
  for (const odd of ODD_COUNTS) {
    const spoilt = (text: string): string =>
      text.replace(
        /("[A-Za-z_]*(?:tokens|TokenCount)"):\s*\d+/g,
        (_, key: string) => `${key}:${JSON.stringify(odd)}`,
      );
    upstream.answer = (arrived) => {
      const { recording, isStream } = wayOf(arrived);
      return isStream
        ? sendStream(arrived, recording.frames.map(spoilt), recording.streamType)
        : sendWhole(arrived, spoilt(recording.whole));
    };
    for (const cell of CELLS) {
      for (const isStream of [true, false]) {
        const reply = await askCell(gateway, cell, isStream);
        const told = readTold(cell.client, isStream, reply.body.toString());
        expect([cell.name, odd, told.isEnded]).toEqual([cell.name, odd, true]);
        for (const count of [told.inputTokens, told.outputTokens]) {
          const isSane = count === null || (Number.isSafeInteger(count) && count >= 0);
          expect([cell.name, odd, count, isSane]).toEqual([cell.name, odd, count, true]);
        }
      }
    }
  }
}, 600_000);
