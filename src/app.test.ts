// What the composition root adds to the rooms that it joins.
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startApp } from "./app.ts";
import { systemClock } from "./core/clock.ts";
import { makeIds } from "./core/ids.ts";
import { silentLog } from "./core/log.ts";
import { CLIENT_KEY, configUnderTest } from "./proxy/fixtures/gateway-under-test.ts";

test("garbage is collected after the last request, and not before the first one", async () => {
  const dataDir = mkdtempSync(join(tmpdir(), "clewline-app-"));
  const collected = Promise.withResolvers<void>();
  let hasAsked = false;
  let early = 0;
  const app = await startApp({
    config: configUnderTest({ upstreams: [] }, dataDir),
    reloadConfig: () => Promise.reject(new Error("not reloaded")),
    version: "0",
    clock: systemClock,
    ids: makeIds(),
    log: silentLog,
    writeRequest: () => undefined,
    memory: {
      residentBytes: () => 100_000_000,
      cpuMs: () => 0,
      collect: () => undefined,
      collectAll: () => {
        if (hasAsked) collected.resolve();
        else early += 1;
      },
    },
  });
  await Bun.sleep(1_200);
  hasAsked = true;
  const reply = await fetch(`${app.url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${CLIENT_KEY}` },
    body: '{"model":"m","messages":[]}',
  });
  expect(reply.status).toBe(404);
  await collected.promise;
  expect(early).toBe(0);
  await app.drain();
  rmSync(dataDir, { recursive: true, force: true });
}, 60_000);
