// Starting: without any configuration, with TLS, in hostile surroundings, and not at all when something is
// wrong.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  CLIENT_KEY,
  KEYS_TOML,
  makeFolder,
  plainEnv,
  runGateway,
  runProgram,
  startGateway,
} from "../kit/gateway.ts";
import { request } from "../kit/raw-client.ts";
import { type RawUpstream, sendWhole, startRawUpstream } from "../kit/raw-upstream.ts";
import { CHAT, familiesToml } from "../kit/recordings.ts";

const ROOT = join(import.meta.dir, "../..");
const TLS = join(import.meta.dir, "../../src/transport/http1/fixtures/localhost.pem");

let upstream: RawUpstream;

beforeAll(async () => {
  upstream = await startRawUpstream((arrived) => sendWhole(arrived, CHAT.whole));
});
afterAll(async () => await upstream?.close());

test("without any configuration it makes one, shows key and password once, and works", async () => {
  const folder = makeFolder();
  const first = await runGateway(folder, "", ["--port", "0"]);
  const greeting = first.log();
  const file = /made: (\S+)/.exec(greeting)?.[1] as string;
  const key = /client key\s+(\S+)/.exec(greeting)?.[1] as string;
  const password = /admin password\s+(\S+)/.exec(greeting)?.[1] as string;
  expect(file.startsWith(folder)).toBe(true);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const text = readFileSync(file, "utf8");
  expect(text).toContain(key);
  expect(text).not.toContain(password);
  expect(text).toContain("$argon2id$");
  for (const [path, dialect] of [
    ["/v1/chat/completions", "OpenAI"],
    ["/v1/messages", "Anthropic"],
    ["/v1beta/models", "Gemini"],
  ]) {
    expect([dialect, greeting.includes((path as string).replace("/v1/chat", "/chat"))]).toEqual([
      dialect,
      true,
    ]);
  }
  expect(greeting).toContain(first.url);
  expect((await request(first.port, "/v1/models", { key })).status).toBe(200);
  expect((await request(first.port, "/v1/models", { key: password })).status).toBe(401);
  const unknown = await request(first.port, CHAT.wholePath, { key, body: CHAT.body(false) });
  expect(unknown.status).toBe(404);
  first.signal("SIGTERM");
  expect(await first.exited).toBe(0);

  const second = await runGateway(folder, file, ["--port", "0"]);
  expect(second.log()).not.toContain(key);
  expect(second.log()).not.toContain("password");
  expect(readFileSync(file, "utf8")).toBe(text);
  expect((await request(second.port, "/v1/models", { key })).status).toBe(200);
  await second.close();
});

test("the listener speaks TLS when it is given a certificate", async () => {
  const gateway = await startGateway({
    toml: [
      `[server.tls]\ncert_file = "${TLS}"\nkey_file = "${TLS}"`,
      KEYS_TOML,
      familiesToml(upstream.url),
    ].join("\n"),
  });
  expect(gateway.url.startsWith("https://")).toBe(true);
  const reply = await request(gateway.port, CHAT.wholePath, { isTls: true, body: CHAT.body(false) });
  expect([reply.status, reply.body.toString()]).toEqual([200, CHAT.whole]);
  const plain = await request(gateway.port, "/healthz").catch(() => null);
  expect(plain?.status ?? 0).not.toBe(200);
  await gateway.close();
});

/**
 * The command line of a compiled binary: the one under test, the one that was built, or one that is built
 * now.
 */
async function compiledBinary(): Promise<string> {
  const built = join(ROOT, "dist/clewline");
  if (!existsSync(built)) {
    const build = Bun.spawn([join(ROOT, "script/build")], { cwd: ROOT, stdout: "ignore", stderr: "pipe" });
    if ((await build.exited) !== 0) throw new Error(`script/build failed: ${await build.stderr.text()}`);
  }
  return built;
}

test("the binary runs nothing that lies in its working folder", async () => {
  const binary = await compiledBinary();
  const folder = makeFolder();
  const mark = join(folder, "executed");
  const evil = `require("node:fs").writeFileSync(${JSON.stringify(mark)}, "x"); module.exports = {};`;
  for (const file of ["evil.js", "index.js", "preload.js"]) writeFileSync(join(folder, file), evil);
  writeFileSync(
    join(folder, "bunfig.toml"),
    'preload = ["./evil.js"]\n[run]\npreload = ["./evil.js"]\n[test]\npreload = ["./evil.js"]\n',
  );
  writeFileSync(
    join(folder, ".env"),
    'CLEWLINE_SERVER_PORT=1\nCLEWLINE_CONFIG=/nowhere\nBUN_OPTIONS="--preload ./evil.js"\n',
  );
  writeFileSync(join(folder, "package.json"), '{"main":"./evil.js","type":"commonjs"}');
  mkdirSync(join(folder, "node_modules/pino"), { recursive: true });
  writeFileSync(join(folder, "node_modules/pino/index.js"), evil);
  writeFileSync(join(folder, "own.toml"), `[server]\nport = 0\ndata_dir = "${folder}/data"\n${KEYS_TOML}`);
  const child = Bun.spawn([binary, "serve", "--config", join(folder, "own.toml")], {
    cwd: folder,
    env: plainEnv(folder),
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  });
  const reader = child.stderr.getReader();
  let log = "";
  while (!log.includes("listening")) {
    const { value, done } = await reader.read();
    if (done) break;
    log += new TextDecoder().decode(value);
  }
  expect(log).toContain("listening");
  expect(log).not.toContain(':1"');
  child.kill("SIGTERM");
  expect(await child.exited).toBe(0);
  const version = Bun.spawn([binary, "--version"], { cwd: folder, env: plainEnv(folder), stdout: "pipe" });
  expect(await version.stdout.text()).toContain("clewline ");
  expect(existsSync(mark)).toBe(false);
  rmSync(folder, { recursive: true, force: true });
}, 600_000);

test("variables that would lead requests elsewhere or print secrets do neither", async () => {
  const gateway = await startGateway({
    toml: [KEYS_TOML, familiesToml(upstream.url)].join("\n"),
    env: {
      BUN_CONFIG_VERBOSE_FETCH: "curl",
      HTTP_PROXY: "http://127.0.0.1:1",
      http_proxy: "http://127.0.0.1:1",
      HTTPS_PROXY: "http://127.0.0.1:1",
      ALL_PROXY: "socks5://127.0.0.1:1",
      NODE_OPTIONS: "--require /nowhere",
    },
  });
  upstream.forget();
  const reply = await request(gateway.port, CHAT.wholePath, { body: CHAT.body(false) });
  expect([reply.status, upstream.seen.length]).toEqual([200, 1]);
  expect(gateway.log()).not.toContain("sk-openai-credential");
  expect(gateway.log()).not.toContain(CLIENT_KEY);
  const environment = readFileSync(`/proc/${gateway.pid}/environ`, "latin1");
  for (const name of ["VERBOSE_FETCH", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "NODE_OPTIONS"]) {
    expect([name, environment.includes(name)]).toEqual([name, false]);
  }
  await gateway.close();
});

test("the operator's own settings of the runtime stay, also when dangerous variables are taken out", async () => {
  const settings = { MIMALLOC_PURGE_DELAY: "77", BUN_JSC_forceRAMSize: "4294967296" };
  for (const dangerous of [{}, { HTTP_PROXY: "http://127.0.0.1:1" }]) {
    const gateway = await startGateway({ toml: KEYS_TOML, env: { ...settings, ...dangerous } });
    const environment = readFileSync(`/proc/${gateway.pid}/environ`, "latin1").split("\0");
    expect(environment).toContain("MIMALLOC_PURGE_DELAY=77");
    expect(environment).toContain("BUN_JSC_forceRAMSize=4294967296");
    // The process is replaced only when it has to be: that is a second start of the runtime.
    expect([dangerous, environment.includes(`CLEWLINE_INTERNAL_REEXECUTED=${gateway.pid}`)]).toEqual([
      dangerous,
      "HTTP_PROXY" in dangerous,
    ]);
    await gateway.close();
  }
});

test("it does not start where certificates would not be checked", async () => {
  const folder = makeFolder();
  const { exitCode, err } = await runProgram(["serve", "--port", "0"], folder, {
    NODE_TLS_REJECT_UNAUTHORIZED: "0",
  });
  expect([exitCode, err]).toEqual([78, expect.stringContaining("NODE_TLS_REJECT_UNAUTHORIZED")]);
  rmSync(folder, { recursive: true, force: true });
});

test("a mistyped command gets a suggestion", async () => {
  const folder = makeFolder();
  const { exitCode, err } = await runProgram(["chekc"], folder);
  expect([exitCode, err.split("\n")[0]]).toEqual([
    2,
    'clewline: there is no command "chekc"; did you mean "check"?',
  ]);
  rmSync(folder, { recursive: true, force: true });
});

const KEY = '[[keys]]\nname = "a"\nkey = "k"\n';
const OPENAI =
  '[[upstreams]]\nname = "o"\nfamily = "openai"\n[[upstreams.credentials]]\nname = "c"\napi_key = "x"\n';

/** Wrong configurations, and the words that the message must have: key, value or place, and the repair. */
const WRONG: readonly (readonly [string, readonly RegExp[]])[] = [
  ["[server]\nport = 70000\n", [/server\.port/, /65.?535/, /:2/]],
  ['[server]\nport = "x"\n', [/server\.port/, /:2/]],
  ["[sever]\nport = 1\n", [/sever/, /server/]],
  ["[server]\nprot = 1\n", [/prot/, /port/]],
  ['[server]\ntrusted_proxies = ["nobody"]\n', [/trusted_proxies/, /nobody/]],
  ['[server]\nbase_path = "llm/"\n', [/base_path/]],
  ['[server.tls]\ncert_file = "/nowhere.pem"\nkey_file = "/nowhere.pem"\n', [/nowhere\.pem/]],
  [`${OPENAI.replace("openai", "opnai")}`, [/family/, /openai/]],
  [OPENAI.replace("family", 'base_url = "ftp://x"\nfamily'), [/base_url/, /http/]],
  [`${OPENAI}${OPENAI}`, [/"?o"?/, /also the name/]],
  [`${OPENAI.replace('api_key = "x"', 'api_key = "env:NOT_THERE"')}`, [/NOT_THERE/]],
  [`${OPENAI.replace('api_key = "x"', 'api_key = "file:not-there"')}`, [/not-there/]],
  [`${KEY}${KEY.replace('"k"', '"k2"')}`, [/"?a"?/]],
  [`${KEY}${KEY.replace('"a"', '"b"')}`, [/key/]],
  [`${OPENAI}[[models]]\nname = "m"\ntargets = ["nowhere/x"]\n`, [/nowhere/]],
  [`${OPENAI}[[models]]\nname = "m"\ntargets = []\n`, [/targets/]],
  [`${OPENAI}[[models]]\nname = "a*b"\ntargets = ["o/x"]\n`, [/\*/]],
  ["not toml at all", [/:1/]],
  ["[server]\nport = 1\nport = 2\n", [/twice/, /:3/]],
];

for (const [text, named] of WRONG) {
  test(`a configuration such as ${JSON.stringify(text).slice(0, 60)} is refused with place and repair`, async () => {
    const folder = makeFolder();
    const file = join(folder, "clewline.toml");
    writeFileSync(file, text, { mode: 0o600 });
    for (const command of ["check", "serve"]) {
      const { exitCode, out, err } = await runProgram([command, "--config", file], folder);
      expect([command, exitCode === 0]).toEqual([command, false]);
      for (const pattern of named) expect(out + err).toMatch(pattern);
      expect(out + err).toContain("clewline.toml");
      expect(out + err).not.toMatch(/\n\s+at /);
    }
    rmSync(folder, { recursive: true, force: true });
  });
}

for (const [args, named] of [
  [["serve", "--prot", "1"], /prot/],
  [["serve", "--port", "x"], /port/],
  [["serve", "--port", "70000"], /port/],
  [["serve", "--config", "/nowhere.toml"], /nowhere\.toml/],
  [["serve", "--log-level", "loud"], /loud|debug/],
  [["nothing"], /nothing/],
  [["requests", "--since", "soon"], /soon/],
  [["requests", "--status", "maybe"], /maybe/],
  [["requests", "--limit", "0"], /0/],
  [["usage", "--by", "colour"], /colour/],
] as const) {
  test(`clewline ${args.join(" ")} says what is wrong`, async () => {
    const folder = makeFolder();
    const { exitCode, out, err } = await runProgram([...args], folder);
    expect(exitCode === 0).toBe(false);
    expect(out + err).toMatch(named);
    expect(out + err).not.toMatch(/\n\s+at /);
    rmSync(folder, { recursive: true, force: true });
  });
}
