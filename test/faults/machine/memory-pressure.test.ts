/**
 * F13: little memory, and more large bodies than it holds. The gateway refuses what it has no room for and is not killed:
 * its budget (`server.memory_bytes`) bounds what requests hold, whatever the machine has.
 */
import { afterEach, expect, test } from "bun:test";
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import {
  askReadiness,
  type Gateway,
  HANG_MS,
  IS_FULL,
  KEYS_TOML,
  METRICS_TOML,
  startGateway,
  until,
} from "../../kit/gateway.ts";
import { type RawUpstream, startRawUpstream } from "../../kit/raw-upstream.ts";
import { CHAT, familiesToml } from "../../kit/recordings.ts";
import { ask, WAYS, type Way } from "../asking.ts";

const MB = 1024 * 1024;
const LIMIT_MB = 320;
const CLIENTS = IS_FULL ? 120 : 40;
const BODY_MB = 8;
const CHAT_WHOLE = WAYS[0] as Way;

/** A group of the kernel with little memory (version 1 of its groups, as root); null: this machine has none. */
function memoryGroup(): string | null {
  const group = `/sys/fs/cgroup/memory/clewline-${process.pid}`;
  try {
    mkdirSync(group);
    writeFileSync(`${group}/memory.limit_in_bytes`, String(LIMIT_MB * MB));
    return group;
  } catch {
    return null;
  }
}

const group = process.getuid?.() === 0 ? memoryGroup() : null;
let gateway: Gateway | null = null;
let upstream: RawUpstream | null = null;
afterEach(async () => {
  await gateway?.kill();
  await upstream?.close();
  // The kernel has let the process go a moment after its end.
  if (group !== null)
    await until("the group is empty", () => readFileSync(`${group}/cgroup.procs`, "utf8") === "");
  if (group !== null) rmdirSync(group);
});

test(
  `F13 ${CLIENTS} bodies of ${BODY_MB} MB at once: some are refused for a moment, and nothing is killed`,
  async () => {
    const released = Promise.withResolvers<void>();
    upstream = await startRawUpstream(
      async (arrived) => {
        await released.promise;
        arrived.rst();
      },
      { lists: "apart" },
    );
    gateway = await startGateway({
      toml: METRICS_TOML + KEYS_TOML + familiesToml(upstream.url),
      server: `memory_bytes = ${96 * MB}`,
    });
    const running = gateway;
    if (group !== null) writeFileSync(`${group}/cgroup.procs`, String(running.pid));
    let peakMb = 0;
    const looking = setInterval(() => {
      peakMb = Math.max(peakMb, running.rssBytes() / MB);
    }, 20);
    const model = `openai/${CHAT.model}`;
    const content = "x".repeat(BODY_MB * MB);
    const body = JSON.stringify({ model, messages: [{ role: "user", content }] });
    const answers = await Promise.all(
      Array.from({ length: CLIENTS }, async (_, n) => {
        if (n === CLIENTS - 1) setTimeout(released.resolve, 5_000);
        return await ask(running.url, CHAT_WHOLE, { request: { path: CHAT.wholePath, body } });
      }),
    );
    clearInterval(looking);
    const refused = answers.filter(({ text }) => text.includes("memory_exhausted"));
    console.log(
      `${CLIENTS} bodies of ${BODY_MB} MB${group === null ? "" : ` in ${LIMIT_MB} MB`}: ${refused.length} refused, at most ${Math.round(peakMb)} MB resident`,
    );
    expect(refused.length).toBeGreaterThan(0);
    for (const { status, retryAfter } of refused) expect([status, retryAfter]).toEqual([503, "1"]);
    expect(peakMb).toBeLessThan(LIMIT_MB);
    await until("it is ready", async () => (await askReadiness(running.url)).status === 200);
    expect(running.log()).not.toContain("an uncaught exception");
  },
  HANG_MS,
);
