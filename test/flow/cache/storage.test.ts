// Where answers are: memory up to its cap, and a file only where somebody has switched it on.
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  CLIENT_KEY,
  type Gateway,
  IS_FULL,
  makeFolder,
  runGateway,
  startGateway,
  until,
  upstreamToml,
} from "../../kit/gateway.ts";
import { request } from "../../kit/raw-client.ts";
import { type RawUpstream, startRawUpstream } from "../../kit/raw-upstream.ts";
import { CHAT } from "../../kit/recordings.ts";
import { answerWell, ask, repeatable } from "./repeatable.ts";

const MB = 1024 * 1024;
const PROMPT = "canary-prompt-51c2";
const ANSWER = "-canary-answer-8d0e";

let upstream: RawUpstream;
let gateway: Gateway | null = null;

beforeAll(async () => {
  upstream = await startRawUpstream((arrived) => answerWell(arrived, ANSWER));
});
afterAll(() => upstream?.close());
afterEach(async () => {
  await gateway?.close();
  gateway = null;
});

const toml = (cache: string): string =>
  [
    `[[keys]]\nname = "tester"\nkey = "${CLIENT_KEY}"\ncache = "all"\nreport = true\n`,
    upstreamToml("openai", "openai", `${upstream.url}/v1`),
    `[cache]\n${cache}\n`,
    '[metrics]\nkey = "scrape-me-0123456789"\n',
  ].join("\n");

const ASKED = repeatable(CHAT, true, CHAT.model, PROMPT);
const REPORT = { "x-clewline-report": "1" };

/** Names of the files in the data folder that hold the words. */
function filesWith(folder: string, word: string): string[] {
  return readdirSync(folder).filter((name) => readFileSync(join(folder, name)).includes(word));
}

test("T23: without the file, neither prompts nor answers are on the disk", async () => {
  gateway = await startGateway({ toml: toml("") });
  await ask(gateway.port, upstream, ASKED, REPORT);
  expect((await ask(gateway.port, upstream, ASKED, REPORT)).cache).toBe("hit");
  const data = join(gateway.folder, "data");
  expect(readdirSync(data).some((name) => name.startsWith("cache"))).toBe(false);
  for (const word of [PROMPT, ANSWER]) expect(filesWith(data, word)).toEqual([]);
});

test("T23: with the file, an answer outlives the process; backups leave it out; switched off, it is gone", async () => {
  const folder = makeFolder();
  const configFile = join(folder, "clewline.toml");
  const data = join(folder, "data");
  const server = `[server]\nhost = "127.0.0.1"\nport = 0\ndata_dir = "${data}"\n`;
  const configure = (cache: string): void => writeFileSync(configFile, server + toml(cache), { mode: 0o600 });
  configure("file = true");
  const start = (): Promise<Gateway> => runGateway(folder, configFile, ["serve", "--config", configFile]);
  const first = await start();
  const made = await ask(first.port, upstream, ASKED, REPORT);
  expect(made.cache).toBe("miss");
  first.signal("SIGTERM");
  await first.exited;
  for (const name of ["cache.db", "cache.key"]) expect(statSync(join(data, name)).mode & 0o777).toBe(0o600);
  gateway = await start();
  const again = await ask(gateway.port, upstream, ASKED, REPORT);
  expect(again).toMatchObject({ cache: "hit", isMade: false });
  expect(again.body.equals(made.body)).toBe(true);
  for (const word of [PROMPT, ANSWER]) expect(filesWith(data, word)).toEqual([]);
  const copies = join(folder, "copies");
  mkdirSync(copies);
  const backup = await gateway.command("backup", join(copies, "copy.db"));
  expect(backup.exitCode).toBe(0);
  expect(readdirSync(copies)).toEqual(["copy.db"]);
  for (const word of [PROMPT, ANSWER]) expect(filesWith(copies, word)).toEqual([]);
  const rows = await gateway.command("requests", "--json");
  for (const word of [PROMPT, ANSWER]) expect(rows.out).not.toContain(word);
  configure("file = false");
  gateway.signal("SIGHUP");
  await until(
    "the files are gone",
    () => !["cache.db", "cache.key"].some((name) => existsSync(join(data, name))),
  );
  expect((await ask(gateway.port, upstream, ASKED, REPORT)).cache).toBe("hit");
});

test("memory stays within its cap, however many answers come", async () => {
  gateway = await startGateway({ toml: toml("memory_bytes = 8388608") });
  const { port } = gateway;
  upstream.answer = (arrived) => answerWell(arrived, "x".repeat(200_000));
  const count = IS_FULL ? 2_000 : 200;
  const warm = 40;
  let before = 0;
  for (let i = 0; i < count; i++) {
    if (i === warm) before = gateway.rssBytes();
    const reply = await request(
      port,
      CHAT.wholePath,
      repeatable(CHAT, i % 2 === 0, CHAT.model, `question ${i}`),
    );
    expect(reply.isWhole).toBe(true);
  }
  // 0.2 to 1 MB each: all together are many times the cap.
  expect(gateway.rssBytes() - before).toBeLessThan(96 * MB);
  const metrics = await request(port, "/metrics", { method: "GET", key: "scrape-me-0123456789" });
  const text = metrics.body.toString();
  const value = (name: string): number => Number(new RegExp(`^${name} (\\S+)`, "m").exec(text)?.[1]);
  expect(value("clewline_cache_bytes")).toBeLessThanOrEqual(8 * MB);
  expect(value("clewline_cache_bytes")).toBeGreaterThan(MB);
  expect(value("clewline_cache_answers")).toBeGreaterThan(3);
  expect(text).toContain(`clewline_cache_requests_total{result="miss"} ${count}`);
});
