import { beforeEach, expect, test } from "bun:test";
import type { LiveEvents } from "../contract.ts";
import { ToldCredentials } from "./told-credentials.ts";

type Credential = LiveEvents["credentials"]["credentials"][number];
type Room = Credential["room"][number];

const START = Date.UTC(2026, 10, 29);
let now: number;
const clock = { nowMs: () => now, monotonicMs: () => now - START };
beforeEach(() => {
  now = START;
});

const room = (remaining: number, more: Partial<Room> = {}): Room => ({
  by: "provider",
  dimension: "requests",
  span: "minute",
  model: null,
  limit: 1_000,
  remaining,
  resetsAtMs: START + 60_000,
  isGradual: false,
  ...more,
});
const credential = (change: Partial<Credential> = {}): Credential => ({
  id: "up/main",
  upstream: "up",
  name: "main",
  priority: 0,
  isOfCallers: false,
  state: "ready",
  reason: "",
  detail: "",
  key: null,
  untilMs: null,
  sinceMs: null,
  strikes: 0,
  inFlight: 0,
  models: [],
  owner: null,
  room: [room(100)],
  ...change,
});
const told = (...known: Credential[]): ToldCredentials => {
  const made = new ToldCredentials();
  made.begin(known);
  return made;
};
const idsOf = ({ changed }: { changed: Credential[] }): string[] => changed.map(({ id }) => id);

test("room that comes back little by little is told in tenths, and when it is whole, and never at each look", () => {
  const pages = told(credential());
  const seen: number[] = [];
  // A minute of looks, every 400 ms.
  for (let look = 1; look <= 150; look++) {
    now = START + look * 400;
    const left = Math.min(1_000, 100 + Math.floor(look * 6.5));
    const { changed } = pages.take(
      [credential({ room: [room(left, { resetsAtMs: START + 60_000 + (look % 3) * 900 })] })],
      clock,
    );
    seen.push(...changed.map(({ room: [one] }) => one?.remaining ?? -1));
  }
  expect(seen.length).toBeWithin(5, 12);
  expect(seen.at(-1)).toBe(1_000);
});

test("times that run down are no news, and neither are those that are over or computed anew", () => {
  const pages = told(credential({ room: [room(1_000)] }));
  for (let look = 1; look <= 300; look++) {
    now = START + look * 400;
    // Whole again at each moment, as an idle limit says.
    const resetsAtMs = look < 150 ? START + 60_000 + (look % 3) * 500 : now;
    expect(idsOf(pages.take([credential({ room: [room(1_000, { resetsAtMs })] })], clock))).toEqual([]);
  }
});

test.each<[string, Partial<Credential>]>([
  ["another state", { state: "cooling", reason: "The provider limits requests now.", untilMs: START + 9 }],
  ["a running request", { inFlight: 1 }],
  [
    "a model that is not served",
    { models: [{ model: "m", state: "forbidden", reason: "", detail: "", key: null, untilMs: null }] },
  ],
  ["room that is used", { room: [room(90)] }],
  ["no room left", { room: [room(0)] }],
  ["another limit", { room: [room(100, { limit: 2_000 })] }],
  ["a limit that was not known", { room: [room(100), room(1, { span: "day" })] }],
  ["another time of the reset", { room: [room(100, { resetsAtMs: START + 90_000 })] }],
  ["the room of a limit that nobody has named", { room: [room(99, { limit: null })] }],
])("%s is told once", (_, change) => {
  const pages = told(credential());
  expect(idsOf(pages.take([credential(change)], clock))).toEqual(["up/main"]);
  now += 5_000;
  expect(idsOf(pages.take([credential(change)], clock))).toEqual([]);
});

test("a credential that changes all the time is told of once a second, with its newest state", () => {
  const pages = told(credential());
  const seen: number[] = [];
  for (let look = 1; look <= 100; look++) {
    now = START + look * 100;
    seen.push(...pages.take([credential({ inFlight: look })], clock).changed.map(({ inFlight }) => inFlight));
  }
  expect(seen).toEqual([1, 11, 21, 31, 41, 51, 61, 71, 81, 91]);
});

test("new credentials are told at once, those that are gone by their id, and one does not hold up another", () => {
  const pages = told(credential());
  expect(idsOf(pages.take([credential({ inFlight: 1 }), credential({ id: "up/new" })], clock))).toEqual([
    "up/main",
    "up/new",
  ]);
  now += 100;
  expect(pages.take([credential({ id: "up/new" }), credential({ id: "up/third" })], clock)).toMatchObject({
    changed: [{ id: "up/third" }],
    gone: ["up/main"],
  });
});
