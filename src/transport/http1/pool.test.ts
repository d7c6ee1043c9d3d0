import { afterEach, expect, test } from "bun:test";
import type { Clock } from "../../core/clock.ts";
import { makeWatchdog } from "../watchdog.ts";
import { makeHttp1Transport } from "./client.ts";
import { makeRequest, ok, type RawUpstream, startUpstream, take, until } from "./fixtures/raw-upstream.ts";

const running: { stop(): void }[] = [];
afterEach(() => {
  for (const thing of running.splice(0)) thing.stop();
});

/** A transport whose time stands still until `pass` moves it, and an upstream that answers with these headers. */
async function start(headers = ""): Promise<{
  upstream: RawUpstream;
  ask(count: number): Promise<void>;
  pass(ms: number): void;
}> {
  let nowMs = 1_000;
  const clock: Clock = { nowMs: () => nowMs, monotonicMs: () => nowMs };
  const transport = makeHttp1Transport(clock, makeWatchdog(clock));
  const upstream = await startUpstream((socket) => socket.write(ok("x", headers)));
  running.push(transport, upstream);
  return {
    upstream,
    ask: async (count) => {
      await Promise.all(Array.from({ length: count }, () => take(transport.send(makeRequest(upstream.url)))));
    },
    pass: (ms) => {
      nowMs += ms;
    },
  };
}

test("an idle connection is used for a minute and then closed", async () => {
  const { upstream, ask, pass } = await start();
  await ask(1);
  pass(59_000);
  await ask(1);
  expect(upstream.sockets.length).toBe(1);
  pass(61_000);
  await until(() => upstream.openCount() === 0);
  await ask(1);
  expect(upstream.sockets.length).toBe(2);
});

test("an upstream that keeps connections for less is believed", async () => {
  const { upstream, ask, pass } = await start("Keep-Alive: timeout=5, max=100\r\n");
  await ask(1);
  pass(3_900);
  await ask(1);
  expect(upstream.sockets.length).toBe(1);
  pass(4_100);
  // Before anything has looked at the pool.
  await ask(1);
  expect(upstream.sockets.length).toBe(2);
});

test("after a burst no more than 512 connections stay open", async () => {
  const { upstream, ask } = await start();
  await ask(540);
  expect(upstream.sockets.length).toBe(540);
  await until(() => upstream.openCount() === 512);
});

test("what is under way is not closed for its age", async () => {
  const { upstream, ask, pass } = await start();
  await ask(3);
  const opened = upstream.sockets.length;
  pass(30_000);
  await ask(1);
  pass(40_000);
  await until(() => upstream.openCount() === 1);
  await ask(1);
  expect(upstream.sockets.length).toBe(opened);
});
