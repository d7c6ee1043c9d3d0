// A gateway that captures is killed, or has no room on its disk: requests go on, and what is torn is absent, never wrong.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { signIn } from "../flow/admin/admin-client.ts";
import { capturedOf, capturingToml } from "../flow/capture/captured.ts";
import { type Gateway, IS_FULL, makeFolder, runGateway, until, upstreamToml } from "../kit/gateway.ts";
import { request } from "../kit/raw-client.ts";
import { type RawUpstream, sendWhole, startRawUpstream } from "../kit/raw-upstream.ts";
import { CHAT } from "../kit/recordings.ts";
import { chanceFrom } from "./seeded.ts";
import { findMountProblem, mountSmallDisk } from "./small-disk.ts";

setDefaultTimeout(300_000);

const KILLS = IS_FULL ? 40 : 5;
const CLIENTS = 6;
/** Of a client, between two requests. */
const PAUSE_MS = 5;
const DISK_BYTES = 24 * 1024 * 1024;

let upstream: RawUpstream;
beforeAll(async () => {
  upstream = await startRawUpstream((one) => sendWhole(one, CHAT.whole));
});
afterAll(() => upstream?.close());

function configure(folder: string, more = ""): string {
  const file = join(folder, "clewline.toml");
  const server = `[server]\nhost = "127.0.0.1"\nport = 0\ndata_dir = "${folder}/data"\n`;
  const own = upstreamToml("openai", "openai", `${upstream.url}/v1`);
  writeFileSync(file, [server, capturingToml(more), own].join("\n"), { mode: 0o600 });
  return file;
}

const start = (folder: string, file: string): Promise<Gateway> =>
  runGateway(folder, file, ["serve", "--config", file]);

/** Asks with a mark of its own, in a body of some size. null: the gateway is gone. */
async function ask(port: number, mark: string): Promise<string | null> {
  const body = CHAT.body(false).replace('"go"', JSON.stringify(`${mark} ${"x".repeat(20_000)}`));
  const reply = await request(port, CHAT.wholePath, { body }).catch(() => null);
  return reply?.isWhole === true && reply.status === 200 ? (reply.headers.get("x-request-id") ?? null) : null;
}

test("killed again and again, it loses what it had not written, and gives nothing wrong", async () => {
  const folder = makeFolder();
  const file = configure(folder);
  const chance = chanceFrom(1);
  let gateway = await start(folder, file);
  const marks = new Map<string, string>();
  for (let kill = 0; kill < KILLS; kill++) {
    const { port } = gateway;
    let isOver = false;
    const clients = Array.from({ length: CLIENTS }, async (_, client) => {
      for (let n = 0; !isOver; n++) {
        const mark = `mark-${kill}-${client}-${n}-end`;
        const id = await ask(port, mark);
        if (id !== null) marks.set(id, mark);
        // Beside a flood, a busy machine has time to write but a few of its captures.
        await Bun.sleep(PAUSE_MS);
      }
    });
    await Bun.sleep(700 + Math.floor(600 * chance.next()));
    gateway.signal("SIGKILL");
    await gateway.exited;
    isOver = true;
    await Promise.all(clients);
    gateway = await start(folder, file);
  }
  const admin = await signIn(gateway);
  let kept = 0;
  for (const [id, mark] of marks) {
    const { status, body } = await admin("GET", `/requests/${id}/capture`);
    if (status === 404) continue;
    expect(status).toBe(200);
    const sides = [body.request.body, body.calls[0].request.body, body.calls[0].reply.body];
    // The memory for captures was full: what is left out is marked, and what is there is the beginning.
    if (sides.some(({ isCut }) => isCut)) continue;
    kept += 1;
    expect(body.request.body.text).toContain(`${mark} `);
    expect(body.calls[0].request.body.text).toContain(`${mark} `);
    expect(body.calls[0].reply.body.text).toBe(CHAT.whole);
    expect(body.reply).toMatchObject({ status: 200, isBroken: false });
  }
  // A kill costs half a second of captures and no more.
  expect(kept).toBeGreaterThan(marks.size / 10);
  expect(gateway.log()).not.toContain('"level":"error"');
  await gateway.close();
});

const mountProblem = findMountProblem();
test.skipIf(mountProblem !== null)(
  "a full disk ends the capture with one line, and it goes on by itself",
  async () => {
    const folder = makeFolder();
    const dataDir = join(folder, "data");
    mkdirSync(dataDir);
    const disk = mountSmallDisk(dataDir, DISK_BYTES);
    const file = configure(folder, "max_bytes = 1073741824\n");
    writeFileSync(file, `[ledger]\non_failure = "serve"\n`, { flag: "a" });
    const gateway = await start(folder, file);
    try {
      const { port } = gateway;
      const admin = await signIn(gateway);
      await capturedOf(admin, await ask(port, "before"));
      disk.fill();
      const failure = async (): Promise<unknown> => (await admin("GET", "/captures")).body.failure;
      await until("the capture has failed", async () => {
        expect(await ask(port, "meanwhile")).not.toBeNull();
        return (await failure()) !== null;
      });
      for (let n = 0; n < 50; n++) expect(await ask(port, "meanwhile")).not.toBeNull();
      const lines = gateway.log().split("\n");
      expect(lines.filter((line) => line.includes("captured requests cannot be written"))).toHaveLength(1);
      disk.free();
      await until("the capture goes on", async () => {
        expect(await ask(port, "after")).not.toBeNull();
        return (await failure()) === null;
      });
      // What had to wait for the disk is written first, and as long as it fills the memory a request is not captured.
      await until("a request is captured again", async () => {
        const id = await ask(port, "after");
        await Bun.sleep(500);
        return (await admin("GET", `/requests/${id}/capture`)).status === 200;
      });
    } finally {
      gateway.signal("SIGKILL");
      await gateway.exited;
      disk.unmount();
      await gateway.kill().catch(() => undefined);
    }
  },
);
