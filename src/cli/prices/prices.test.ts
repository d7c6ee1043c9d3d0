import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../core/clock.ts";
import { makeIds } from "../../core/ids.ts";
import { builtInPrices } from "../../prices/price-files.ts";
import { prices } from "./prices.ts";

const NOW_MS = Date.parse("2026-11-29T12:00:00Z");

let dir = "";
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "clewline-prices-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

async function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  let out = "";
  let err = "";
  const code = await prices(args, {
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
    env: { HOME: dir },
    cwd: dir,
    clock: { ...systemClock, nowMs: () => NOW_MS },
    ids: makeIds(),
    stopped: new Promise(() => undefined),
    program: "clewline",
    isTty: false,
    onReload: () => undefined,
    memory: { residentBytes: () => 0, cpuMs: () => 0, collect: () => undefined, collectAll: () => undefined },
  });
  return { code, out, err };
}

const jsonLines = (text: string): Record<string, unknown>[] =>
  text
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line));

test("show: provider, rates, steps, tiers, day and sources", async () => {
  const { code, out } = await run("show", "gpt-5.4", "--provider", "openai");
  expect(code).toBe(0);
  const lines = out.split("\n");
  expect(lines[0]).toMatch(/^PROVIDER +MODEL +SINCE +WHEN +INPUT +OUTPUT +CACHE READ/);
  expect(lines[1]).toMatch(/^openai +gpt-5\.4 +- +standard +2\.5 +15 +0\.25 /);
  expect(lines[2]).toMatch(/^ +standard > 272000 +5 +22\.5 +0\.5 /);
  expect(out).toMatch(/\n +batch +1\.25 +7\.5 /);
  expect(out).toMatch(/\n +priority +5 +30 +0\.5 /);
  expect(out).toContain("Prices of 2026-");
  expect(out).toContain("genai-prices");
});

test("show: a price that changed has the day of the one in force", async () => {
  const [line] = jsonLines((await run("show", "gpt-5.6-sol", "--provider", "openai", "--json")).out);
  expect(line).toMatchObject({ model: "gpt-5.6-sol", since: "2026-08-21", is_disputed: false });
  expect(line?.version).toContain("openai/gpt-5.6-sol@2026-08-21");
});

test("show: the names that upstreams use", async () => {
  for (const name of ["models/gemini-2.5-pro", "google/gemini-2.5-pro", "GEMINI-2.5-pro"])
    expect(jsonLines((await run("show", name, "--provider", "google", "--json")).out)).toMatchObject([
      { provider: "google", model: "gemini-2.5-pro" },
    ]);
});

test("show: every disputed price says so, with both values", async () => {
  const list = await builtInPrices();
  const disputed = list.providers.flatMap((provider) =>
    provider.models.flatMap((model) =>
      model.disputes === undefined ? [] : [{ place: `${provider.id}/${model.id}`, disputes: model.disputes }],
    ),
  );
  const { out } = await run("show", "*", "--json");
  const shown = new Map(jsonLines(out).map((line) => [`${line.provider}/${line.model}`, line]));
  expect([...shown.values()].filter((line) => line.is_disputed).length).toBe(disputed.length);
  for (const { place, disputes } of disputed)
    expect(shown.get(place)).toMatchObject({
      is_disputed: true,
      disputes: disputes.map(([rate, first, second]) => ({ rate, first, second })),
    });
  const { out: table } = await run("show", "claude-sonnet-4-5", "--provider", "anthropic");
  expect(table).toContain("claude-sonnet-4-5 (disputed)");
  expect(table).toContain(
    "disputed: anthropic/claude-sonnet-4-5 input above 200k: 6, and 3 in the second source",
  );
});

test("show: an unknown model is no price of 0", async () => {
  const { code, out, err } = await run("show", "claude-opus-55");
  expect([code, out]).toEqual([1, ""]);
  expect(err).toMatch(
    /^clewline prices: no price for claude-opus-55, so its requests count as unpriced; did you mean "claude-opus-/,
  );
});

test("wrong usage", async () => {
  expect((await run()).err).toContain("nothing is no action; give show, update or apply");
  expect((await run("shw", "x")).err).toContain('did you mean "show"?');
  expect((await run("show")).err).toContain("show needs the name of a model");
  expect((await run("show", "a", "b")).err).toContain("b is one argument too many");
  expect((await run("show", "gpt-5", "--provider", "opnai")).err).toContain('did you mean "openai"?');
  expect((await run("update")).err).toContain("update needs --from, the price list");
  expect((await run("update", "x")).err).toContain("update takes no x");
  expect((await run("apply")).err).toContain("apply needs --since WHEN");
  expect((await run("apply", "--since", "yesterday")).err).toContain("--since yesterday is not a time");
  expect((await run("update", "--from", "none.json")).err).toContain("does not exist");
});

async function writeList(version: string): Promise<string> {
  const list = await builtInPrices();
  const file = join(dir, "new.json");
  const maker = {
    id: "maker",
    name: "Maker",
    addresses: ["x.test"],
    models: [{ id: "pen", names: ["pen"], prices: [{ rates: { input: 1.5 } }] }],
  };
  writeFileSync(file, JSON.stringify({ ...list, version, providers: [maker] }));
  return file;
}

test("update: a later list holds from then on, an earlier one does not", async () => {
  const file = await writeList("2999-01-01");
  const { code, out } = await run("update", "--from", file, "--data-dir", dir);
  expect([code, out]).toEqual([
    0,
    `${join(dir, "prices.json")}: prices of 2999-01-01, 1 providers, 1 models, 0 disputed\n`,
  ]);
  expect((await run("show", "pen", "--data-dir", dir)).out).toContain(
    `Prices of 2999-01-01 from ${join(dir, "prices.json")}`,
  );
  const older = await run("update", "--from", await writeList("2020-01-01"), "--data-dir", dir);
  expect([older.code, older.err]).toEqual([1, expect.stringContaining("the program's own list is of")]);
});

test("show: prices of the configuration come first, with the upstream that they are for", async () => {
  const file = join(dir, "clewline.toml");
  writeFileSync(
    file,
    `[[upstreams]]
name = "up"
family = "openai"
credentials = [{ name = "main", api_key = "env:NOT_SET" }]
[[prices]]
model = "gpt-5.4"
upstream = "up"
input = 1.25
[[prices]]
model = "llama-*"
input = 0.1
`,
    { mode: 0o600 },
  );
  const { out } = await run("show", "gpt-5.4", "--json", "--config", file);
  expect(jsonLines(out)[0]).toMatchObject({
    provider: "up",
    model: "gpt-5.4",
    version: expect.stringMatching(/^configuration\/gpt-5\.4#/),
    tariffs: [{ when: "standard", usd: { input: 1.25 } }],
  });
  expect(jsonLines(out).length).toBeGreaterThan(1);
  for (const name of ["llama-3", "llama*", "*-*"]) {
    const shown = jsonLines((await run("show", name, "--json", "--config", file)).out);
    expect([name, shown.some(({ model }) => model === "llama-*")]).toEqual([name, true]);
  }
});

describe("update from a URL", () => {
  const FOLDER = join(import.meta.dir, "../../transport/http1/fixtures");
  const MAIN = join(import.meta.dir, "../../main.ts");
  const servers: { stop(): void }[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) server.stop();
  });

  function serve(certificate: string, reply: (path: string) => Response): string {
    const pem = readFileSync(join(FOLDER, `${certificate}.pem`), "utf8");
    const server = Bun.serve({
      port: 0,
      tls: { cert: pem, key: pem },
      fetch: (request) => reply(new URL(request.url).pathname),
    });
    servers.push(server);
    return `https://localhost:${server.port}`;
  }

  async function update(url: string): Promise<{ code: number; out: string; err: string }> {
    const child = Bun.spawn([process.execPath, MAIN, "prices", "update", "--from", url, "--data-dir", dir], {
      env: { ...process.env, NODE_EXTRA_CA_CERTS: join(FOLDER, "ca.pem") },
      stdout: "pipe",
      stderr: "pipe",
    });
    const [out, err] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
    ]);
    return { code: await child.exited, out, err };
  }

  test("a list behind a redirect is taken", async () => {
    const text = readFileSync(await writeList("2999-01-01"), "utf8");
    const url = serve("localhost", (path) =>
      path === "/new"
        ? new Response(text)
        : new Response(null, { status: 302, headers: { location: "/new" } }),
    );
    const { code, out } = await update(`${url}/latest`);
    expect([code, out]).toEqual([0, expect.stringContaining("prices of 2999-01-01, 1 providers")]);
    expect(readFileSync(join(dir, "prices.json"), "utf8")).toBe(text);
  }, 30_000);

  test("what is no list, too long, elsewhere or not safe on its way changes nothing", async () => {
    const url = serve("localhost", (path) => {
      if (path === "/status") return new Response("no", { status: 404 });
      if (path === "/text") return new Response("<html>");
      if (path === "/long") return new Response(Buffer.alloc(17 * 1024 * 1024, 0x20));
      const location = path === "/plain" ? "http://localhost:1/p.json" : path;
      return new Response(null, { status: 307, headers: { location } });
    });
    const foreign = serve("self-signed", () => new Response("{}"));
    const CASES = [
      [`${url}/status`, "cannot be downloaded: its server answers with status 404"],
      [`${url}/text`, "is no price list: it is no JSON"],
      [`${url}/long`, "cannot be downloaded: it has more than 16777216 bytes"],
      [`${url}/plain`, "cannot be downloaded: it is no https URL, or redirects to one that is none"],
      [`${url}/round`, "cannot be downloaded: its server redirects more than 3 times"],
      ["http://localhost:1/p.json", "cannot be downloaded: it is no https URL"],
      ["file:///etc/passwd", "cannot be downloaded: it is no https URL"],
      [foreign, "cannot be downloaded: "],
    ] as const;
    for (const [from, fault] of CASES) {
      const { code, out, err } = await update(from);
      expect([from, code, out]).toEqual([from, 1, ""]);
      expect(err).toContain(fault);
      expect(existsSync(join(dir, "prices.json"))).toBe(false);
    }
  }, 60_000);
});

test("a list that cannot be used changes nothing and is named", async () => {
  const file = join(dir, "bad.json");
  writeFileSync(file, '{"format": 1}');
  const bad = await run("update", "--from", file, "--data-dir", dir);
  expect(bad.code).toBe(1);
  expect(bad.err).toContain("bad.json is no price list: version is missing");
  expect(existsSync(join(dir, "prices.json"))).toBe(false);
  writeFileSync(join(dir, "prices.json"), "{");
  const shown = await run("show", "gpt-5.4", "--provider", "openai", "--data-dir", dir);
  expect(shown.code).toBe(0);
  expect(shown.err).toContain("prices.json cannot be used: it is no JSON");
  expect(readFileSync(join(dir, "prices.json"), "utf8")).toBe("{");
});

/** The files of the data folder, and their text. */
const stateOf = (folder: string): readonly (readonly [string, string])[] =>
  readdirSync(folder)
    .sort()
    .map((name) => [name, readFileSync(join(folder, name), "utf8")]);

test("a hostile file is refused with one line, and leaves the list that was there", async () => {
  const data = join(dir, "data");
  mkdirSync(data);
  await run("update", "--from", await writeList("2999-01-01"), "--data-dir", data);
  const before = stateOf(data);
  expect(before.map(([name]) => name)).toEqual(["prices.json"]);
  const good = readFileSync(await writeList("2999-01-02"), "utf8");
  const file = join(dir, "hostile.json");
  const HOSTILE: readonly (readonly [text: string | Buffer, fault: string])[] = [
    ["", "it is no JSON"],
    [good.slice(0, -1), "it is no JSON"],
    ["[".repeat(1e6), "it is no JSON"],
    [`${good.slice(0, -1)},"x":${"[".repeat(1e5)}${"]".repeat(1e5)}}`, "hostile.json is no price list: "],
    [good.replace('"input":1.5', '"input":NaN'), "it is no JSON"],
    [good.replace('"input":1.5', '"input":1e999'), "rates.input must be"],
    [good.replace('"input":1.5', '"input":-1.5'), "rates.input must not be below 0"],
    [good.replace('"input":1.5', '"input":"1.5"'), "rates.input must be a number of dollars"],
    [good.replace('"input":1.5', '"input":null'), "rates.input must be a number of dollars"],
    [good.replace('"input":1.5', '"__proto__":{"input":1}'), "__proto__ is not a member"],
    [good.replace('"input":1.5', '"constructor":1'), "constructor is not a member"],
    [good.replace('"pen"]', '"/(a+)+$/"]'), "must be a name in lower case"],
    [good.replace("x.test", "*.test"), "addresses[0] must be a host"],
    [good.replace("2999-01-02", "2999-02-30"), "version must be a day"],
    [Buffer.from(good.replace("Maker", "M\u00e4ker"), "latin1"), "it is not UTF-8"],
    [Buffer.alloc(17 * 1024 * 1024, 0x20), "it has 17825792 bytes; a list has 16777216 at most"],
  ];
  for (const [text, fault] of HOSTILE) {
    writeFileSync(file, text);
    const { code, out, err } = await run("update", "--from", file, "--data-dir", data);
    expect([fault, code, out]).toEqual([fault, 1, ""]);
    expect(err).toContain(fault);
    expect(err.trimEnd()).not.toContain("\n");
    expect(stateOf(data)).toEqual(before);
  }
});

test.skipIf(process.platform === "win32")("a folder or a device is no price list", async () => {
  for (const path of [dir, "/dev/zero"])
    expect((await run("update", "--from", path, "--data-dir", dir)).err).toContain(
      "it is not a file but a folder or a device",
    );
});

test("a list that cannot be written leaves nothing half-written", async () => {
  const data = join(dir, "data");
  mkdirSync(join(data, "prices.json", "full"), { recursive: true });
  const { code, out, err } = await run("update", "--from", await writeList("2999-01-01"), "--data-dir", data);
  expect([code, out]).toEqual([1, ""]);
  expect(err).toContain("cannot be written");
  expect(readdirSync(data)).toEqual(["prices.json"]);
});

test("show: a pattern is never a regular expression", async () => {
  for (const pattern of ["/*/", "/(a+)+*$/", "(*", `${"*a".repeat(2000)}*`]) {
    const { code, err } = await run("show", pattern);
    expect([pattern.slice(0, 10), code]).toEqual([pattern.slice(0, 10), 1]);
    expect(err).toContain("no price for");
  }
});
