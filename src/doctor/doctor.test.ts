import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig } from "../config/load.ts";
import type { Clock } from "../core/clock.ts";
import { systemClock } from "../core/clock.ts";
import { makeSnapshot } from "../snapshot.ts";
import { startHttpProxy } from "../transport/dial/fixtures/proxies.ts";
import { makeTransport } from "../transport/http1/fixtures/raw-upstream.ts";
import { examine } from "./doctor.ts";
import type { Finding } from "./finding.ts";

const FIXTURES = new URL("../transport/http1/fixtures/", import.meta.url).pathname;
const SECRET = "sk-planted-secret";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "doctor-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const running: { stop(): unknown }[] = [];
afterEach(async () => {
  for (const one of running.splice(0)) await one.stop();
});

function serve(reply: () => Response, certificate?: string): number {
  const pem = certificate === undefined ? undefined : readFileSync(`${FIXTURES}${certificate}.pem`, "utf8");
  const tls = pem === undefined ? {} : { tls: { cert: pem, key: pem } };
  const server = Bun.serve({ port: 0, ...tls, fetch: reply });
  running.push({ stop: () => server.stop(true) });
  return server.port as number;
}

const list = (...models: string[]): Response => Response.json({ data: models.map((id) => ({ id })) });

function upstream(name: string, url: string, lines = "", credential = ""): string {
  return `[[upstreams]]\nname = "${name}"\nfamily = "openai"\nbase_url = "${url}"\n${lines}\n[[upstreams.credentials]]\nname = "main"\napi_key = "${SECRET}"\n${credential}\n`;
}

const KEYS = '[[keys]]\nname = "me"\nkey = "abc"\n';

interface Options {
  readonly clock?: Clock;
  readonly isServing?: boolean;
  readonly upstream?: string;
}

async function findingsFor(toml: string, options: Options = {}): Promise<readonly Finding[]> {
  const file = join(folder, "clewline.toml");
  const head = toml.includes("[server]") ? "" : "[server]\nport = 0\n";
  writeFileSync(file, `${head}${toml}${KEYS}`, { mode: 0o600 });
  const { config, warnings } = await loadConfig({
    file,
    env: { HOME: folder },
    flags: {},
    cwd: folder,
    sharedFiles: "ignore",
  });
  const transport = makeTransport();
  running.push(transport);
  const { clock = systemClock, isServing = false, upstream: only = null } = options;
  const findings = await examine({
    snapshot: makeSnapshot(config),
    transport,
    clock,
    warnings,
    isServing,
    upstream: only,
  });
  expect(JSON.stringify(findings)).not.toContain(SECRET);
  return findings;
}

/** The findings of some checks, as `level about: message`. */
function only(findings: readonly Finding[], ...checks: readonly Finding["check"][]): string[] {
  return findings
    .filter(({ check }) => checks.includes(check))
    .map(({ level, about, message }) => `${level} ${about}: ${message}`);
}

test("upstreams that work: the name, the way, the key, the models, and the clock that they agree with", async () => {
  const port = serve(() => list("gpt-5.2", "gpt-5.2-mini"));
  const proxy = await startHttpProxy({ login: "me:word" });
  running.push(proxy);
  const spare = `[[upstreams.credentials]]\nname = "spare"\napi_key = "k2"\nproxy = "http://me:word@localhost:${proxy.port}"`;
  const models = '[[models]]\nname = "fast"\ntargets = ["up/gpt-5.2-mini", "up/gpt-5.2-nano"]\n';
  const findings = await findingsFor(upstream("up", `http://localhost:${port}/v1`, "", spare) + models);
  expect(only(findings, "connection").map((line) => line.replace(/\d+ ms/, "N ms"))).toEqual([
    "ok up: reached directly in N ms",
    `ok up: reached through http://localhost:${proxy.port} in N ms`,
  ]);
  expect(only(findings, "name", "key", "clock")).toEqual([
    expect.stringMatching(/^ok up: the name localhost leads to (one address|2 addresses)$/),
    "ok up/main: the key is taken; 2 models are listed",
    "ok up/spare: the key is taken; 2 models are listed",
    "ok : the clock agrees with those of the providers",
  ]);
  expect(findings.filter(({ level }) => level !== "ok")).toEqual([
    {
      check: "models",
      about: "up",
      level: "warning",
      message: 'the model "gpt-5.2-nano" of [[models]] is not in the upstream\'s list',
      repair: expect.stringContaining("gpt-5.2-mini"),
    },
  ]);
});

for (const [what, reply, level, check, message, repair] of [
  [
    "a refused key",
    () => Response.json({ error: { message: `bad ${SECRET}`, code: "invalid_api_key" } }, { status: 401 }),
    "problem",
    "key",
    "the upstream refuses the key (status 401",
    "write a key that it takes into api_key",
  ],
  [
    "a server without a list",
    () => new Response("no", { status: 404 }),
    "warning",
    "models",
    "with status 404",
    "check the base_url",
  ],
  [
    "a redirect",
    () => new Response(null, { status: 308, headers: { location: "/x" } }),
    "problem",
    "models",
    "a redirect",
    "write the address that it leads to as base_url",
  ],
  [
    "a provider that fails",
    () => new Response("oh", { status: 500 }),
    "warning",
    "models",
    "with status 500",
    "look at the provider's status",
  ],
  ["an empty list", () => list(), "ok", "key", "the key is taken, and no model is listed", null],
] as const) {
  test(`what is said of ${what}`, async () => {
    const findings = await findingsFor(upstream("up", `http://127.0.0.1:${serve(reply)}/v1`));
    const found = findings.find(({ about }) => about === "up/main");
    expect([found?.level, found?.check]).toEqual([level, check]);
    expect(found?.message).toContain(message);
    if (repair === null) expect(found?.repair).toBeNull();
    else expect(found?.repair).toContain(repair);
  });
}

test("what cannot be reached is named with its reason, and its key is not asked about", async () => {
  const foreign = serve(() => list("m"), "self-signed");
  const findings = await findingsFor(
    upstream("unknown", "http://nobody.invalid/v1") +
      upstream("gone", "http://127.0.0.1:1/v1") +
      upstream("foreign", `https://localhost:${foreign}/v1`) +
      upstream("behind", "http://127.0.0.1:1/v1", 'proxy = "socks5h://127.0.0.1:1"'),
  );
  expect(only(findings, "name", "connection", "key")).toEqual([
    "problem unknown: nobody knows the name nobody.invalid",
    "problem unknown: the upstream's host name is not known",
    "problem gone: the upstream cannot be reached",
    expect.stringMatching(/^ok foreign: the name localhost leads to/),
    "problem foreign: the upstream's TLS certificate is not accepted (DEPTH_ZERO_SELF_SIGNED_CERT)",
    "problem behind: the proxy socks5h://127.0.0.1:1 cannot be reached",
  ]);
  for (const { level, repair } of findings) if (level !== "ok") expect(repair?.length).toBeGreaterThan(5);
});

test("a clock that is wrong is told by the providers, of whom one may be wrong itself", async () => {
  const at = (ms: number) => () =>
    new Response('{"data":[]}', { headers: { date: new Date(ms).toUTCString() } });
  const nowMs = Date.UTC(2026, 10, 30, 12);
  const clock: Clock = { nowMs: () => nowMs, monotonicMs: () => nowMs };
  const clockOf = async (...skewsMs: readonly number[]): Promise<string> => {
    const toml = skewsMs.map((ms, i) => upstream(`u${i}`, `http://127.0.0.1:${serve(at(nowMs + ms))}/v1`));
    return only(await findingsFor(toml.join(""), { clock }), "clock").join();
  };
  expect(await clockOf(0)).toBe("ok : the clock agrees with those of the providers");
  expect(await clockOf(86_400_000, -1_000)).toBe("ok : the clock agrees with those of the providers");
  expect(await clockOf(-120_000)).toBe("warning : the clock is 120 s ahead of those of the providers");
  expect(await clockOf(600_000, 900_000)).toBe("problem : the clock is 600 s behind those of the providers");
});

test("the data folder, its disk, the ports and the files with secrets are looked at", async () => {
  const data = join(folder, "data");
  const taken = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => taken.once("listening", resolve));
  running.push({ stop: () => taken.close() });
  const { port } = taken.address() as { port: number };
  const keyFile = join(folder, "provider.key");
  writeFileSync(keyFile, "sk-1\n");
  chmodSync(keyFile, 0o644);
  const toml = (host: string, number: number): string =>
    `[server]\nhost = "${host}"\nport = ${number}\ndata_dir = "${data}"\n${upstream("up", "http://127.0.0.1:1/v1").replace(SECRET, "file:provider.key")}`;
  const first = await findingsFor(toml("127.0.0.1", port));
  expect(only(first, "data_folder", "port", "file_mode")).toEqual([
    `warning ${keyFile}: the file contains secrets, and everybody on this machine can read it`,
    `ok ${data}: the folder is not there yet; the start makes it`,
    `problem 127.0.0.1:${port}: another program has the port`,
  ]);
  mkdirSync(data, { mode: 0o755 });
  chmodSync(data, 0o755);
  chmodSync(keyFile, 0o600);
  const second = await findingsFor(toml("127.0.0.1", port), { isServing: true });
  expect(only(second, "file_mode", "port")).toEqual([
    `warning ${data}: others on this machine can look into the folder`,
  ]);
  expect(only(second, "disk")).toHaveLength(1);
  chmodSync(data, 0o700);
  const third = await findingsFor(toml("192.0.2.1", port));
  expect(only(third, "data_folder", "port")).toEqual([
    `ok ${data}: the folder can be written`,
    `problem 192.0.2.1:${port}: the address cannot be listened on (EADDRNOTAVAIL)`,
  ]);
});

test("one upstream alone is looked at when it is named", async () => {
  const port = serve(() => list("m"));
  const toml = upstream("one", `http://127.0.0.1:${port}/v1`) + upstream("two", "http://127.0.0.1:1/v1");
  const findings = await findingsFor(toml, { upstream: "one" });
  expect(new Set(findings.map(({ about }) => about))).toEqual(new Set(["one", "one/main", ""]));
});

test("an upstream whose callers bring their own logins is reached, and asked nothing", async () => {
  let calls = 0;
  const port = serve(() => {
    calls++;
    return list("m");
  });
  const toml = `[[upstreams]]\nname = "theirs"\nfamily = "anthropic"\nbase_url = "http://127.0.0.1:${port}"\ncaller_credentials = true\n`;
  const findings = await findingsFor(toml);
  expect(only(findings, "connection", "key", "models")).toEqual([
    expect.stringMatching(/^ok theirs: reached in \d+ ms$/),
  ]);
  expect(calls).toBe(0);
});

test("a long list of names that are almost right costs little", async () => {
  const nameOf = (letter: string, n: number): string => `gpt-4${letter.repeat(55)}${n}`;
  const port = serve(() => list(...Array.from({ length: 5_000 }, (_, n) => nameOf("a", n))));
  const models = Array.from(
    { length: 20 },
    (_, n) => `[[models]]\nname = "m${n}"\ntargets = ["up/${nameOf("b", n)}"]\n`,
  );
  const text = upstream("up", `http://127.0.0.1:${port}/v1`) + models.join("");
  const before = process.cpuUsage();
  const findings = await findingsFor(text);
  const { user, system } = process.cpuUsage(before);
  expect(only(findings, "models").length).toBe(20);
  expect((user + system) / 1_000).toBeLessThan(1_500);
});
