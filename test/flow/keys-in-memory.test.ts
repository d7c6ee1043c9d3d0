// The gateway keeps no client key: its memory holds hashes of them, whatever becomes of the configuration.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Gateway, HANG_MS, HEAP_SNAPSHOT, startGateway, until, upstreamToml } from "../kit/gateway.ts";
import { request } from "../kit/raw-client.ts";

/** A kept key is there in every look. */
const MOST_LOOKS = 50;
const UPSTREAM_KEY = "sk-heap-canary-5d2e7f90";
/** Never sent, because the headers of a request hold the key that it shows. */
const UNSENT = {
  inFile: "clw-heap-canary-1a2b3c4d5e6f",
  besideFile: "clw-heap-canary-6f5e4d3c2b1a",
  metrics: "heap-canary-metrics-99887766",
  password: "heap-canary-password-Tr0ub4dor",
};
const SENT = "clw-heap-canary-sent-0a1b2c3d";

const TOML = `${upstreamToml("openai", "openai", "http://127.0.0.1:9/v1", { credentials: { main: UPSTREAM_KEY } })}
[admin]
password = "${UNSENT.password}"
[metrics]
enabled = true
key = "${UNSENT.metrics}"
[[keys]]
name = "in-file"
key = "${UNSENT.inFile}"
[[keys]]
name = "beside-file"
key = "file:client-key.txt"
[[keys]]
name = "sent"
key = "${SENT}"
`;

let gateway: Gateway;

beforeAll(async () => {
  gateway = await startGateway({
    toml: TOML,
    preloads: [HEAP_SNAPSHOT],
    files: { "client-key.txt": `${UNSENT.besideFile}\n` },
  });
});
afterAll(async () => await gateway?.close());

/** What the heap of the gateway holds, as text. */
async function readHeap(): Promise<string> {
  const file = join(gateway.folder, "heap.json");
  rmSync(file, { force: true });
  gateway.signal("SIGUSR2");
  await until("the heap is written", () => existsSync(file));
  return readFileSync(file, "utf8");
}

/** The names of the keys that the heap holds. */
async function keysHeld(): Promise<string[]> {
  const heap = await readHeap();
  // The snapshot shows texts: a key that the gateway has to send is there.
  expect(heap).toContain(UPSTREAM_KEY);
  return Object.entries({ ...UNSENT, sent: SENT })
    .filter(([, key]) => heap.includes(key))
    .map(([name]) => name);
}

async function expectNoKeys(): Promise<void> {
  let held: string[] = [];
  // The collector takes an old value on the stack for a reference, until other calls have written over it.
  for (let i = 0; i < MOST_LOOKS; i++) {
    held = await keysHeld();
    if (held.length === 0) break;
    await request(gateway.port, "/healthz");
  }
  expect(held).toEqual([]);
}

test("after the start", expectNoKeys, HANG_MS);

test(
  "after a request with a key",
  async () => {
    expect((await request(gateway.port, "/v1/models", { key: SENT })).status).toBe(200);
    await expectNoKeys();
  },
  HANG_MS,
);

test(
  "after the configuration was read again",
  async () => {
    gateway.signal("SIGHUP");
    await until("it is taken over", () => gateway.log().includes("the configuration was taken over"));
    await expectNoKeys();
  },
  HANG_MS,
);

test(
  "after a configuration was refused for its keys",
  async () => {
    const text = readFileSync(gateway.configFile, "utf8");
    writeFileSync(gateway.configFile, `${text}[[keys]]\nname = "again"\nkey = "${UNSENT.inFile}"\n`);
    await until("it is refused", () => gateway.log().includes("the changed configuration is not in effect"));
    await expectNoKeys();
  },
  HANG_MS,
);
