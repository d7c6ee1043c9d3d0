/** What many calls leave behind: nothing. */

import { heapStats } from "bun:jsc";
import { afterAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { GatewayError } from "../../core/errors.ts";
import { headOf } from "../call.ts";
import { makeRequest, makeTransport, startUpstream, until } from "./fixtures/raw-upstream.ts";

const transport = makeTransport();
afterAll(() => transport.stop());

const LEFT = new GatewayError("internal", "left");
const EVENT = `400\r\n${"x".repeat(1_024)}\r\n`;

function residentBytes(): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync("/proc/self/status", "latin1"))?.[1] ?? 0) * 1_024;
}

function liveSockets(): number {
  Bun.gc(true);
  return heapStats().objectTypeCounts.TCPSocket ?? 0;
}

test("5,000 calls that are left at any point leave neither sockets nor memory behind", async () => {
  let isOpen = true;
  const upstream = await startUpstream((socket) => {
    socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    let left = 40;
    const write = (): void => {
      if (!isOpen || socket.destroyed) return;
      socket.write(left === 0 ? "0\r\n\r\n" : EVENT.repeat(20));
      if (left-- > 0) setTimeout(write, 1);
    };
    write();
  });
  /** One call that is left after a while, in a third of the cases while it pauses, or read to its end. */
  async function leave(nth: number): Promise<void> {
    const call = transport.send(makeRequest(upstream.url));
    const { promise: isOver, resolve } = Promise.withResolvers<unknown>();
    const timer = setTimeout(() => {
      call.abort(LEFT);
      resolve(LEFT);
    }, nth % 60);
    headOf(call).then(() => call.pipe({ chunk: () => nth % 3 !== 0, end: resolve }), resolve);
    expect([LEFT, null]).toContain((await isOver) as GatewayError | null);
    clearTimeout(timer);
  }
  async function round(): Promise<void> {
    for (let i = 0; i < 1_000; i += 100)
      await Promise.all(Array.from({ length: 100 }, (_, j) => leave(i + j)));
    await until(() => upstream.openCount() === 0);
    upstream.sockets.length = 0;
  }
  const socketsBefore = liveSockets();
  await round();
  await round();
  liveSockets();
  const before = residentBytes();
  for (let i = 0; i < 3; i++) await round();
  expect(liveSockets()).toBeLessThanOrEqual(socketsBefore + 5);
  expect(residentBytes() - before).toBeLessThan(30 * 1_024 * 1_024);
  isOpen = false;
  upstream.stop();
}, 600_000);

test("a sink that pauses holds the upstream up instead of filling memory, as long as it likes", async () => {
  const child = Bun.spawn([process.execPath, `${import.meta.dir}/fixtures/fat-upstream.ts`], {
    stdout: "pipe",
  });
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const url = `http://127.0.0.1:${(await lines.read()).value?.trim()}/`;
  const call = transport.send(makeRequest(url));
  await headOf(call);
  // From the first pause on: what reading takes at all, and what other tests in this process left, is there by then.
  let before = 0;
  let sizeBytes = 0;
  let peakBytes = 0;
  const { promise, resolve } = Promise.withResolvers<GatewayError | null>();
  let pauses = 0;
  call.pipe({
    chunk: (bytes) => {
      sizeBytes += bytes.length;
      if (sizeBytes < (pauses + 1) * 100_000_000) return true;
      pauses++;
      setTimeout(() => {
        Bun.gc(true);
        if (before === 0) before = residentBytes();
        peakBytes = Math.max(peakBytes, residentBytes() - before);
        call.resume();
      }, 100);
      return false;
    },
    end: resolve,
  });
  expect(await promise).toBe(null);
  expect([sizeBytes, pauses]).toEqual([1_000_000_000, 10]);
  expect(peakBytes).toBeLessThan(60 * 1_024 * 1_024);
  child.kill();
}, 600_000);
