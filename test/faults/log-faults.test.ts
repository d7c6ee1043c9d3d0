/** Whoever reads the log may stop, leave, or have no room: no request waits for it, and what is lost is counted. */
import { afterEach, describe, expect, test } from "bun:test";
import {
  closeSync,
  constants,
  existsSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { CLIENT_KEY, HANG_MS, KEYS_TOML, makeFolder, plainEnv, until, upstreamToml } from "../kit/gateway.ts";

const MAIN = join(import.meta.dir, "../../src/main.ts");
const METRICS_KEY = "metrics-key-0123456789abcdef";

interface Running {
  readonly url: string;
  readonly folder: string;
  /** Ends the process by SIGTERM; its exit code. */
  end(): Promise<number | null>;
}

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

/** A gateway with standard error as given. */
async function start(stderr: number): Promise<Running> {
  const folder = makeFolder();
  const configFile = join(folder, "clewline.toml");
  writeFileSync(
    configFile,
    `[server]\nhost = "127.0.0.1"\nport = 0\ndata_dir = "${folder}/data"\n[log]\nlevel = "debug"\n[metrics]\nkey = "${METRICS_KEY}"\n${KEYS_TOML}\n${upstreamToml("openai", "openai", "http://127.0.0.1:9/v1")}`,
    { mode: 0o600 },
  );
  const out = join(folder, "out.txt");
  const child = Bun.spawn([process.execPath, MAIN, "serve", "--config", configFile], {
    cwd: folder,
    env: plainEnv(folder),
    stdin: "ignore",
    stdout: Bun.file(out),
    stderr,
  });
  cleanups.push(() => {
    child.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  });
  let url: string | undefined;
  await until("the gateway listens", () => {
    url = existsSync(out)
      ? /(http:\/\/127\.0\.0\.1:\d+)\/v1/.exec(readFileSync(out, "utf8"))?.[1]
      : undefined;
    return url !== undefined || child.exitCode !== null;
  });
  if (url === undefined) throw new Error(`the gateway did not start: ${child.exitCode}`);
  return {
    url,
    folder,
    async end() {
      const onLimit = setTimeout(() => child.kill("SIGKILL"), HANG_MS);
      child.kill("SIGTERM");
      await child.exited;
      clearTimeout(onLimit);
      return child.exitCode;
    },
  };
}

function fifoIn(folder: string): string {
  const path = join(folder, "log.fifo");
  const { exitCode } = Bun.spawnSync(["mkfifo", "-m", "600", path]);
  if (exitCode !== 0) throw new Error("mkfifo failed");
  return path;
}

/** Requests of which most leave a line in the log. */
async function talk({ url }: Running, requests: number): Promise<void> {
  const model = `nobody-has-\u009b${"x".repeat(500)}`;
  const ask = async (n: number): Promise<number> => {
    const reply = await fetch(`${url}/v1/chat/completions`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${n % 10 === 0 ? CLIENT_KEY : "wrong"}`,
        "content-type": "application/json",
      },
      body: JSON.stringify({ model, messages: [{ role: "user", content: "Hi" }] }),
      signal: AbortSignal.timeout(HANG_MS),
    });
    await reply.arrayBuffer();
    return reply.status;
  };
  for (let n = 0; n < requests; n += 20) {
    const statuses = await Promise.all(Array.from({ length: 20 }, (_, i) => ask(n + i)));
    for (const status of statuses) expect([401, 502, 503]).toContain(status);
  }
  const health = await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(HANG_MS) });
  expect(health.status).toBe(200);
}

async function droppedLines({ url }: Running): Promise<number> {
  const metrics = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${METRICS_KEY}` } });
  return Number(/^clewline_log_dropped_lines (\d+)/m.exec(await metrics.text())?.[1]);
}

describe("P11 a log that nobody takes:", () => {
  test("a reader that has stopped stops nothing, and gets whole lines when it goes on", async () => {
    const folder = makeFolder();
    cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
    const fd = openSync(fifoIn(folder), constants.O_RDWR | constants.O_NONBLOCK);
    cleanups.push(() => closeSync(fd));
    const gateway = await start(fd);
    await talk(gateway, 1_000);
    const read = readAll(fd);
    for (const line of read.split("\n").slice(0, -1)) expect(() => JSON.parse(line)).not.toThrow();
    expect(await gateway.end()).toBe(0);
  }, 120_000);

  test("a reader that has left costs its lines alone", async () => {
    const folder = makeFolder();
    cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
    const path = fifoIn(folder);
    const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const fd = openSync(path, constants.O_WRONLY);
    const gateway = await start(fd);
    closeSync(fd);
    closeSync(reader);
    await talk(gateway, 20);
    expect(await droppedLines(gateway)).toBeGreaterThan(0);
    expect(await gateway.end()).toBe(0);
  }, 120_000);

  test("a full disk costs its lines alone", async () => {
    const fd = openSync("/dev/full", "w");
    cleanups.push(() => closeSync(fd));
    const gateway = await start(fd);
    await talk(gateway, 20);
    expect(await droppedLines(gateway)).toBeGreaterThan(0);
    expect(await gateway.end()).toBe(0);
  }, 120_000);
});

test("P17 no line of the log holds what a terminal obeys", async () => {
  const folder = makeFolder();
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "log.txt");
  const fd = openSync(file, "a");
  const gateway = await start(fd);
  closeSync(fd);
  await talk(gateway, 20);
  expect(await gateway.end()).toBe(0);
  const log = readFileSync(file, "utf8");
  expect(log).toContain("listening");
  expect(log.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]/u);
}, 120_000);

/** Reads what a pipe holds. */
function readAll(fd: number): string {
  const piece = Buffer.alloc(65_536);
  let text = "";
  for (;;) {
    try {
      const size = readSync(fd, piece);
      if (size === 0) return text;
      text += piece.toString("utf8", 0, size);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EAGAIN") return text;
      throw error;
    }
  }
}
