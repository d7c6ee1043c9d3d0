// Passwords as they are checked in a running gateway, which serves streams meanwhile.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { CLIENT_KEY, type Gateway, KEYS_TOML, startGateway, until, upstreamToml } from "../../kit/gateway.ts";
import { request } from "../../kit/raw-client.ts";
import {
  chunkOf,
  LAST_CHUNK,
  type RawUpstream,
  replyHead,
  startRawUpstream,
} from "../../kit/raw-upstream.ts";
import { MESSAGES } from "../../kit/recordings.ts";
import { ADMIN_TOML } from "./admin-client.ts";

const PASSWORD = "correct horse battery";
const MB = 1024 * 1024;
const TRIES = 200;
const MANY_TRIES = 10_000;
/** So many of them, right after the budget is used up, have the right password. */
const RIGHT_TRIES = 1_000;
/** Tries of one address that are looked at. */
const PER_MINUTE = 5;
const EVENTS = 300;
/** One check takes 64 MiB, and two run at the same time. */
const CHECKS_MB = 2 * 64;
const SLACK_MB = 192;

let upstream: RawUpstream;
let gateway: Gateway;
/** Events that the upstream has sent; the others wait until the tries are over. */
let sent = 0;
let mayEnd = false;

beforeAll(async () => {
  const delta = MESSAGES.frames[3] as string;
  upstream = await startRawUpstream(
    async (arrived) => {
      await arrived.send(replyHead("200 OK", { "content-type": "text/event-stream" }, "chunked"));
      await arrived.send(chunkOf(MESSAGES.frames.slice(0, 3).join("")));
      for (sent = 0; sent < EVENTS || !mayEnd; sent++) {
        await arrived.send(chunkOf(delta.replace("The clew", `event ${sent};`)));
        await Bun.sleep(10);
      }
      await arrived.send(chunkOf(MESSAGES.frames.slice(MESSAGES.terminalFrom - 2).join("")));
      await arrived.send(LAST_CHUNK);
    },
    { lists: "apart" },
  );
  gateway = await startGateway({
    toml: `${ADMIN_TOML}${KEYS_TOML}${upstreamToml("up", "anthropic", upstream.url)}`,
  });
});
afterAll(async () => {
  await gateway?.close();
  await upstream?.close();
});

async function enter(body: object): Promise<number> {
  const reply = await fetch(`${gateway.url}/admin/api/session`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  await reply.text();
  return reply.status;
}

test("the right password enters; one that differs by a letter, a space, its case or its length does not", async () => {
  for (const wrong of [`${PASSWORD} `, PASSWORD.toUpperCase(), "", "x".repeat(1_000)])
    expect([401, 422, 400]).toContain(await enter({ password: wrong }));
  expect(await enter({ password: PASSWORD })).toBe(204);
});

test("two hundred tries at once cost bounded memory and no stream an event, and a link still enters", async () => {
  const stream = request(gateway.port, MESSAGES.streamPath, { body: MESSAGES.body(true), key: CLIENT_KEY });
  await until("the stream runs", () => sent > 10);
  const before = gateway.rssBytes();
  let peak = before;
  const looks = setInterval(() => {
    peak = Math.max(peak, gateway.rssBytes());
  }, 20);
  const statuses = await Promise.all(
    Array.from({ length: TRIES }, (_, i) => enter({ password: i % 2 === 0 ? `wrong ${i}` : "x".repeat(i) })),
  );
  clearInterval(looks);
  const sentMeanwhile = sent;
  mayEnd = true;
  const { status, body, isWhole } = await stream;
  expect([status, isWhole]).toEqual([200, true]);
  const seen = Array.from(body.toString().matchAll(/event (\d+);/g), ([, number]) => Number(number));
  expect(seen.length).toBeGreaterThanOrEqual(Math.max(EVENTS, sentMeanwhile));
  expect(seen).toEqual(Array.from(seen, (_, i) => i));
  expect(statuses.filter((one) => one !== 401 && one !== 429)).toEqual([]);
  expect(statuses.filter((one) => one === 401).length).toBeLessThanOrEqual(5);
  expect((peak - before) / MB).toBeLessThan(CHECKS_MB + SLACK_MB);
  expect(await enter({ password: PASSWORD })).toBe(429);
  const link = (await gateway.command("admin", "link")).out.trim().split("#link=")[1];
  expect(await enter({ link })).toBe(204);
});

test("of ten thousand tries none is let in beyond the budget, with the right password either, and no stream loses an event", async () => {
  mayEnd = false;
  const stream = request(gateway.port, MESSAGES.streamPath, { body: MESSAGES.body(true), key: CLIENT_KEY });
  await until("the stream runs", () => sent > 10 && sent < EVENTS);
  const startMs = performance.now();
  const statuses: number[] = [];
  // First the tries that use up the budget, so that no right one forgets them.
  for (let i = 0; i < PER_MINUTE; i++) statuses.push(await enter({ password: `wrong ${i}` }));
  let left = MANY_TRIES - PER_MINUTE;
  const guess = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      const isRight = left > MANY_TRIES - RIGHT_TRIES;
      statuses.push(await enter({ password: isRight ? PASSWORD : `wrong ${left}` }));
    }
  };
  await Promise.all(Array.from({ length: 50 }, guess));
  const minutes = 1 + Math.floor((performance.now() - startMs) / 60_000);
  const sentMeanwhile = sent;
  mayEnd = true;
  const { status, body, isWhole } = await stream;
  expect([status, isWhole]).toEqual([200, true]);
  const seen = Array.from(body.toString().matchAll(/event (\d+);/g), ([, number]) => Number(number));
  expect(seen.length).toBeGreaterThanOrEqual(sentMeanwhile);
  expect(seen).toEqual(Array.from(seen, (_, i) => i));
  expect(statuses.length).toBe(MANY_TRIES);
  // Each further minute has a budget of its own.
  const lookedAt = statuses.filter((one) => one !== 429).length;
  expect(lookedAt).toBeLessThanOrEqual(PER_MINUTE * minutes);
});
