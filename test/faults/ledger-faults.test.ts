/**
 * The ledger's disk is full, or its database is locked, deleted or damaged: requests are refused with a
 * reason, running answers never look complete, and service resumes by itself.
 */
import { Database } from "bun:sqlite";
import { afterEach, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  askReadiness,
  type Gateway,
  KEYS_TOML,
  METRICS_TOML,
  makeFolder,
  runGateway,
  until,
} from "../kit/gateway.ts";
import { type Arrived, type RawUpstream, startRawUpstream } from "../kit/raw-upstream.ts";
import { CHAT, familiesToml } from "../kit/recordings.ts";
import { type Asked, answerWell, ask, WAYS, type Way, wayOf } from "./asking.ts";
import { findMountProblem, mountSmallDisk, type SmallDisk } from "./small-disk.ts";

/**
 * Room for the write-ahead log and some thousand rows, so that the disk is full only when a test fills it.
 */
const DISK_BYTES = 24 * 1024 * 1024;
const CLIENTS = 4;
const CHAT_WHOLE = WAYS[0] as Way;
const SERVE_ON = '[ledger]\non_failure = "serve"\n';

const mountProblem = findMountProblem();
/** In a user namespace, where the system allows it, every user may mount. */
const isNamespaceNeeded =
  mountProblem !== null &&
  Bun.which("unshare") !== null &&
  Bun.spawnSync(["unshare", "-rm", "true"]).exitCode === 0;
const DISK_TESTS = "on a disk of its own";

/**
 * The surroundings of a test: a provider, a gateway in a folder of its own, perhaps with a small disk below
 * it.
 */
class Stage {
  readonly answers: Asked[] = [];
  readonly folder = makeFolder();
  readonly dataDir = join(this.folder, "data");
  disk: SmallDisk | null = null;
  #upstream: RawUpstream | null = null;
  #gateway: Gateway | null = null;
  readonly #released = Promise.withResolvers<void>();
  #isLoading = false;
  #load: Promise<unknown> = Promise.resolve();

  get gateway(): Gateway {
    if (this.#gateway === null) throw new Error("the gateway is not started");
    return this.#gateway;
  }

  get database(): string {
    return join(this.dataDir, "ledger.db");
  }

  mount(): SmallDisk {
    this.disk = mountSmallDisk(this.dataDir, DISK_BYTES);
    return this.disk;
  }

  /** Streams of the model `held` wait for `release` before the frame that makes them whole. */
  async start(more = ""): Promise<void> {
    const upstream = await startRawUpstream((request) => {
      const { terminalFrom } = wayOf(request).recording;
      const isHeld = isForHeld(request);
      return answerWell(request, new Map(isHeld ? [[terminalFrom, this.#released.promise]] : []));
    });
    this.#upstream = upstream;
    const configFile = join(this.folder, "clewline.toml");
    const server = `[server]\nhost = "127.0.0.1"\nport = 0\ndata_dir = "${this.dataDir}"\n`;
    writeFileSync(configFile, server + more + METRICS_TOML + KEYS_TOML + familiesToml(upstream.url), {
      mode: 0o600,
    });
    await this.restart();
  }

  async restart(): Promise<void> {
    const configFile = join(this.folder, "clewline.toml");
    this.#gateway = await runGateway(this.folder, configFile, ["serve", "--config", configFile]);
  }

  async stop(): Promise<void> {
    this.gateway.signal("SIGTERM");
    expect(await this.gateway.exited).toBe(0);
  }

  async ask(way: Way, model?: string): Promise<Asked> {
    const asked = await ask(this.gateway.url, way, model === undefined ? {} : { model });
    this.answers.push(asked);
    return asked;
  }

  async askAll(): Promise<Asked[]> {
    return await Promise.all(WAYS.map((way) => this.ask(way)));
  }

  /** Begins streams of the model `held`, and waits until the upstream has them all. */
  async askHeld(ways: readonly Way[]): Promise<Promise<Asked>[]> {
    const running = ways.map((way) => this.ask(way, `${way.recording.family}/held`));
    await until(
      "the held streams are under way",
      () => this.#upstream?.seen.filter(isForHeld).length === ways.length,
    );
    return running;
  }

  release(): void {
    this.#released.resolve();
  }

  /** Starts clients that ask without a pause, in all dialects. */
  startLoad(): void {
    this.#isLoading = true;
    const client = async (_: unknown, first: number): Promise<void> => {
      for (let n = first; this.#isLoading; n += CLIENTS) {
        const { status } = await this.ask(WAYS[n % WAYS.length] as Way);
        if (status !== 200) await Bun.sleep(20);
      }
    };
    this.#load = Promise.all(Array.from({ length: CLIENTS }, client));
  }

  async stopLoad(): Promise<void> {
    this.#isLoading = false;
    await this.#load;
  }

  async isReady(): Promise<boolean> {
    return (await fetch(`${this.gateway.url}/readyz`)).status === 200;
  }

  /** Waits until all dialects are served again. */
  async untilServed(): Promise<void> {
    const isServed = async (): Promise<boolean> => (await this.ask(CHAT_WHOLE)).status === 200;
    await until("requests are served again", isServed);
    expect(await this.isReady()).toBe(true);
    for (const { completeAtMs } of await this.askAll()) expect(completeAtMs).not.toBeNull();
  }

  /** Fails when a whole answer has no row with `ok`, or another answer has one. */
  async expectRecorded(answers: readonly Asked[] = this.answers): Promise<void> {
    const rows = new Map((await this.gateway.rows()).map((row) => [row.request_id, row]));
    const wrong: string[] = [];
    for (const { way, status, requestId, completeAtMs } of answers) {
      const outcome = rows.get(requestId ?? "")?.outcome ?? "missing";
      const isOnRecord = outcome === "ok";
      if (isOnRecord !== (completeAtMs !== null))
        wrong.push(
          `${way.name} ${requestId}: ${status}, ${completeAtMs === null ? "broken" : "whole"}, ${outcome}`,
        );
    }
    expect(wrong).toEqual([]);
  }

  async close(): Promise<void> {
    await this.stopLoad();
    if (this.#gateway !== null) {
      this.#gateway.signal("SIGTERM");
      await this.#gateway.exited;
    }
    await this.#upstream?.close();
    this.disk?.unmount();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function isForHeld({ target, body }: Arrived): boolean {
  return target.includes("/held:") || body.includes('"held"');
}

let stage: Stage;
afterEach(() => stage.close());

/** All dialects get a 503 in their own form; readiness page and log name the reason. */
async function expectRefusing(what: RegExp): Promise<void> {
  await until("requests are refused", async () => (await stage.ask(CHAT_WHOLE)).status === 503);
  for (const { way, status, text, retryAfter, completeAtMs } of await stage.askAll()) {
    expect([way.name, status, completeAtMs]).toEqual([way.name, 503, null]);
    expect(Number(retryAfter)).toBeGreaterThanOrEqual(1);
    expect(errorOf(way, text)).toMatch(what);
  }
  const readiness = await askReadiness(stage.gateway.url);
  expect(readiness.status).toBe(503);
  expect(await readiness.text()).toMatch(what);
  expect((await fetch(`${stage.gateway.url}/healthz`)).status).toBe(200);
  expect(stage.gateway.log()).toMatch(what);
}

/** The message of an error in the dialect's own envelope. */
function errorOf({ recording }: Way, text: string): string {
  const parsed: unknown = JSON.parse(text);
  const body = (Array.isArray(parsed) ? parsed[0] : parsed) as {
    type?: string;
    error: { message: string; type?: string; status?: string };
  };
  if (recording.dialect === "anthropic-messages") expect(body.type).toBe("error");
  if (recording.dialect === "gemini") expect(body.error.status).toBe("UNAVAILABLE");
  else expect(typeof body.error.type).toBe("string");
  return body.error.message;
}

function testDisk(): void {
  const FULL = /the disk that holds the ledger is full/;

  test("full while serving: refused, told, recovered, and nothing lost", async () => {
    stage = new Stage();
    const disk = stage.mount();
    await stage.start();
    for (const { completeAtMs } of await stage.askAll()) expect(completeAtMs).not.toBeNull();
    stage.startLoad();
    const running = await stage.askHeld(
      WAYS.filter(({ isStream, recording }) => isStream && recording.dialect !== "gemini"),
    );
    disk.fill();
    await expectRefusing(FULL);
    stage.release();
    for (const { way, status, completeAtMs, text } of await Promise.all(running)) {
      expect([way.name, status, completeAtMs]).toEqual([way.name, 200, null]);
      expect(text).toMatch(/"error"|"status":"failed"/);
    }
    // The rows are there before there is space again: a process that is killed here must not lose answers.
    await stage.expectRecorded([...stage.answers]);
    disk.free();
    await stage.untilServed();
    expect(stage.gateway.log()).toContain("the ledger can be written again");
    await Bun.sleep(200);
    await stage.stopLoad();
    await stage.expectRecorded();
  }, 600_000);

  test("full before the start: it ends with 1 and says why, and starts once there is space", async () => {
    stage = new Stage();
    const disk = stage.mount();
    disk.fill();
    await expect(stage.start()).rejects.toThrow(
      /exit code 1\)[\s\S]*the data folder .* cannot be used: .*(full|ENOSPC)/,
    );
    disk.free();
    await stage.restart();
    await stage.untilServed();
    await stage.expectRecorded();
  }, 600_000);

  test("full again and again: no answer is lost at any edge", async () => {
    stage = new Stage();
    const disk = stage.mount();
    await stage.start();
    stage.startLoad();
    for (let round = 0; round < 3; round += 1) {
      await Bun.sleep(150);
      disk.fill();
      await until("requests are refused", async () => (await stage.ask(CHAT_WHOLE)).status === 503);
      await stage.expectRecorded([...stage.answers]);
      disk.free();
      await until("requests are served again", async () => (await stage.ask(CHAT_WHOLE)).status === 200);
    }
    await stage.stopLoad();
    await stage.expectRecorded();
  }, 600_000);

  test('with on_failure = "serve" every request is served, and its row follows when there is space', async () => {
    stage = new Stage();
    const disk = stage.mount();
    await stage.start(SERVE_ON);
    await stage.askAll();
    disk.fill();
    for (let round = 0; round < 10; round += 1) {
      for (const { way, status, completeAtMs } of await stage.askAll())
        expect([way.name, status, completeAtMs === null]).toEqual([way.name, 200, false]);
    }
    await until("it says so", () => FULL.test(stage.gateway.log()));
    disk.free();
    await until(
      "all rows are there",
      async () => (await stage.gateway.rows()).length === stage.answers.length,
    );
    await stage.expectRecorded();
  }, 600_000);
}

if (!isNamespaceNeeded) {
  describe.skipIf(mountProblem !== null)(`${DISK_TESTS} (${mountProblem ?? "mounted"})`, testDisk);
} else {
  test(`${DISK_TESTS}, in a user namespace`, () => {
    stage = new Stage();
    const { exitCode, stderr } = Bun.spawnSync(
      ["unshare", "-rm", process.execPath, "test", "--timeout=600000", "-t", DISK_TESTS, import.meta.path],
      { env: process.env },
    );
    expect([exitCode, exitCode === 0 ? "" : stderr.toString()]).toEqual([0, ""]);
  }, 600_000);
}

/** A connection that another program might have. It waits for the gateway's locks. */
function openOther(): Database {
  const other = new Database(stage.database);
  other.run("PRAGMA busy_timeout = 5000");
  return other;
}

describe("a database that another process has locked", () => {
  const LOCKED = /locked by another process/;

  test("for a moment: no client sees anything of it", async () => {
    stage = new Stage();
    await stage.start();
    await stage.askAll();
    const other = openOther();
    stage.startLoad();
    for (let round = 0; round < 3; round += 1) {
      other.run("BEGIN EXCLUSIVE");
      await Bun.sleep(300);
      other.run("COMMIT");
      await Bun.sleep(100);
    }
    other.close();
    await stage.stopLoad();
    expect(stage.answers.filter(({ completeAtMs }) => completeAtMs === null)).toEqual([]);
    await stage.expectRecorded();
  }, 600_000);

  test("for long: refused, told, and recovered; running answers do not end as if they were whole", async () => {
    stage = new Stage();
    await stage.start();
    await stage.askAll();
    const other = openOther();
    stage.startLoad();
    const [running] = await stage.askHeld([{ name: "chat stream", recording: CHAT, isStream: true }]);
    other.run("BEGIN EXCLUSIVE");
    await expectRefusing(LOCKED);
    stage.release();
    expect((await running)?.completeAtMs).toBeNull();
    await stage.expectRecorded([...stage.answers]);
    other.run("COMMIT");
    other.close();
    await stage.untilServed();
    await stage.stopLoad();
    await stage.expectRecorded();
  }, 600_000);
});

test("a data folder that is deleted is made anew, and what is served after that is recorded", async () => {
  stage = new Stage();
  await stage.start();
  await stage.askAll();
  stage.startLoad();
  await Bun.sleep(200);
  rmSync(stage.dataDir, { recursive: true, force: true });
  await stage.stopLoad();
  const before = stage.answers.length;
  await stage.untilServed();
  expect(stage.gateway.log()).toMatch(/deleted or replaced/);
  await stage.expectRecorded(stage.answers.slice(before));
}, 600_000);

describe("a damaged database", () => {
  const damages: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
    "is no database at all": (bytes) => Buffer.alloc(bytes.length, "garbage "),
    "has lost its middle": (bytes) => Buffer.from(bytes).fill(0xa5, 4_096, bytes.length - 100),
    "was cut off": (bytes) => bytes.subarray(0, 5_000),
  };

  test.each(Object.entries(damages))(
    "that %s at the start is set aside, and the gateway serves",
    async (_, damage) => {
      stage = new Stage();
      await stage.start();
      for (let round = 0; round < 5; round += 1) await stage.askAll();
      await stage.stop();
      const damaged = damage(readFileSync(stage.database));
      writeFileSync(stage.database, damaged);
      for (const suffix of ["-wal", "-shm"]) rmSync(stage.database + suffix, { force: true });

      await stage.restart();
      const before = stage.answers.length;
      await stage.untilServed();
      await stage.expectRecorded(stage.answers.slice(before));
      expect(stage.gateway.log()).toMatch(/"level":"?(error|50)/);
      const aside = readdirSync(stage.dataDir).find((name) => /^ledger\.db\.corrupt-[^.]*$/.test(name));
      expect(aside).toBeDefined();
      // Rows are money: the damaged file is kept unchanged.
      expect(readFileSync(join(stage.dataDir, aside ?? "")).equals(damaged)).toBe(true);
      expect(existsSync(stage.database)).toBe(true);
    },
    30_000,
  );
});
