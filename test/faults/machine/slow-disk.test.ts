/**
 * F16: the disk of the ledger is slow, or fails (EIO). An answer without a recorded row does not end as if it were whole,
 * the reason is told, and service resumes by itself. Requests do wait for a slow disk: an answer's last bytes follow its row.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  askReadiness,
  type Gateway,
  HANG_MS,
  KEYS_TOML,
  METRICS_TOML,
  makeFolder,
  startGateway,
  until,
} from "../../kit/gateway.ts";
import { type RawUpstream, startRawUpstream } from "../../kit/raw-upstream.ts";
import { familiesToml } from "../../kit/recordings.ts";
import { type Asked, answerWell, ask, WAYS, type Way } from "../asking.ts";

const SOURCE = join(import.meta.dir, "slow-disk.c");
/** A program whose writes are spoiled needs a C compiler and a dynamic linker that takes a library before others. */
const CAN_RUN = process.platform === "linux" && Bun.which("cc") !== null;
const CHAT_WHOLE = WAYS[0] as Way;

const folder = makeFolder();
const library = join(folder, "slow-disk.so");
const mode = join(folder, "mode");
let upstream: RawUpstream;
let gateway: Gateway;

beforeAll(async () => {
  if (!CAN_RUN) return;
  const { exitCode, stderr } = Bun.spawnSync([
    "cc",
    "-shared",
    "-fPIC",
    "-O1",
    "-o",
    library,
    SOURCE,
    "-ldl",
  ]);
  if (exitCode !== 0) throw new Error(stderr.toString());
  disk("well");
  upstream = await startRawUpstream((arrived) => answerWell(arrived), { lists: "apart" });
  gateway = await startGateway({
    toml: METRICS_TOML + KEYS_TOML + familiesToml(upstream.url),
    env: { LD_PRELOAD: library, SLOW_DISK_MODE: mode },
  });
});
afterEach(() => disk("well"));
afterAll(async () => {
  await gateway?.close();
  await upstream?.close();
  rmSync(folder, { recursive: true, force: true });
});

function disk(state: "well" | "fail" | `slow ${number}`): void {
  writeFileSync(mode, state);
}

/** The ways whose answers a client may take for whole. */
function wholeOf(answers: readonly Asked[]): string[] {
  return answers.filter(({ completeAtMs }) => completeAtMs !== null).map(({ way }) => way.name);
}

async function isReady(): Promise<boolean> {
  return (await askReadiness(gateway.url)).status === 200;
}

describe.skipIf(!CAN_RUN)("F16 a disk that", () => {
  test(
    "fails refuses what cannot be recorded, says so, and is used again by itself",
    async () => {
      expect((await ask(gateway.url, CHAT_WHOLE)).completeAtMs).not.toBeNull();
      disk("fail");
      const failed = await Promise.all(WAYS.map((way) => ask(gateway.url, way)));
      expect(wholeOf(failed)).toEqual([]);
      await until("it is not ready", async () => !(await isReady()));
      const page = await (await askReadiness(gateway.url)).text();
      expect(page).toContain("ledger: ");
      expect((await ask(gateway.url, CHAT_WHOLE)).status).toBe(503);
      expect(gateway.log()).toContain("disk I/O error (SQLITE_IOERR");
      expect(gateway.log()).toContain("the ledger cannot be written: requests are refused until it can");
      disk("well");
      await until("it is ready again", isReady);
      for (const way of WAYS) expect((await ask(gateway.url, way)).completeAtMs).not.toBeNull();
      const rows = await gateway.rows();
      expect(rows.filter(({ outcome }) => outcome === "ok").length).toBeGreaterThanOrEqual(WAYS.length + 1);
    },
    HANG_MS,
  );

  test(
    "is slow makes answers wait for their rows, and loses none",
    async () => {
      await until("it is ready", isReady);
      disk("slow 30");
      const before = (await gateway.rows()).length;
      const answers = await Promise.all([...WAYS, ...WAYS, ...WAYS].map((way) => ask(gateway.url, way)));
      expect(wholeOf(answers)).toEqual(answers.map(({ way }) => way.name));
      disk("well");
      expect((await gateway.rows()).length - before).toBe(answers.length);
    },
    HANG_MS,
  );
});
