import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig } from "../load.ts";
import { ConfigError, renderProblems } from "../problem.ts";
import { loadNetworkVia } from "./load-network.ts";
import { DIRECT, type Via } from "./via.ts";

const CERTIFICATES = new URL("../../transport/http1/fixtures/", import.meta.url).pathname;
const pem = (name: string): string => readFileSync(`${CERTIFICATES}${name}.pem`, "utf8");

let cwd = "";
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), "network-"));
  for (const name of ["ca", "localhost", "other-host"]) await writeFile(join(cwd, `${name}.pem`), pem(name));
});
afterAll(() => rm(cwd, { recursive: true, force: true }));

const KEYS = '[[keys]]\nname = "me"\nkey = "abc"\n';

function fileOf(parts: { network?: string; upstream?: string; credential?: string }): string {
  const { network = "", upstream = "", credential = "" } = parts;
  return `[network]\n${network}\n[[upstreams]]\nname = "up"\nfamily = "openai"\n${upstream}\n[[upstreams.credentials]]\nname = "main"\napi_key = "k"\n${credential}\n[[upstreams.credentials]]\nname = "spare"\napi_key = "k2"\n${KEYS}`;
}

async function load(text: string, env: Readonly<Record<string, string>> = {}) {
  const file = join(cwd, "clewline.toml");
  await writeFile(file, text, { mode: 0o600 });
  return loadConfig({ file, env: { HOME: cwd, ...env }, flags: {}, cwd });
}

/** What is said to be wrong; "" for nothing. */
async function problemsOf(text: string, env: Readonly<Record<string, string>> = {}): Promise<string> {
  try {
    await load(text, env);
    return "";
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return renderProblems(error.problems);
  }
}

/** The proxy of `https:` servers by each way: of all else, of the upstream, of the two credentials. */
async function waysOf(
  text: string,
  env: Readonly<Record<string, string>> = {},
): Promise<(string | undefined)[]> {
  const { config } = await load(text, env);
  const [upstream] = config.upstreams;
  const vias = [config.network.via, upstream?.via, ...(upstream?.credentials.map(({ via }) => via) ?? [])];
  return vias.map((via) => via?.httpsProxy?.name);
}

describe("the way of a connection", () => {
  test("is direct where nothing is said, whatever the environment says", async () => {
    const env = { HTTPS_PROXY: "http://env.example:1", http_proxy: "http://env.example:1", ALL_PROXY: "x" };
    const { config } = await load(fileOf({}), env);
    expect([config.network.via, config.upstreams[0]?.via]).toEqual([DIRECT, DIRECT]);
    expect(config.upstreams[0]?.credentials.map(({ via }) => via)).toEqual([DIRECT, DIRECT]);
  });

  test("is that of the credential, then of the upstream, then of all", async () => {
    const [a, b, c] = ["http://a.example:1", "socks5h://b.example:2", "socks5://c.example:3"];
    expect(await waysOf(fileOf({ network: `proxy = "${a}"` }))).toEqual([a, a, a, a]);
    expect(await waysOf(fileOf({ network: `proxy = "${a}"`, upstream: `proxy = "${b}"` }))).toEqual([
      a,
      b,
      b,
      b,
    ]);
    expect(
      await waysOf(
        fileOf({ network: `proxy = "${a}"`, upstream: `proxy = "${b}"`, credential: `proxy = "${c}"` }),
      ),
    ).toEqual([a, b, c, b]);
    expect(await waysOf(fileOf({ network: `proxy = "${a}"`, upstream: 'proxy = "direct"' }))).toEqual([
      a,
      undefined,
      undefined,
      undefined,
    ]);
  });

  test("may be a secret of the environment or of a file, which is watched", async () => {
    await writeFile(join(cwd, "proxy.url"), "socks5://me:word@f.example\n");
    const { config } = await load(
      fileOf({ upstream: 'proxy = "env:WAY"', credential: 'proxy = "file:proxy.url"' }),
      { WAY: "https://u:p%40ss@e.example" },
    );
    const [upstream] = config.upstreams;
    expect(upstream?.via.httpsProxy).toEqual({
      kind: "https",
      host: "e.example",
      port: 443,
      login: { user: "u", password: "p@ss" },
      name: "https://e.example:443",
    });
    expect(upstream?.credentials[0]?.via.httpsProxy?.name).toBe("socks5://f.example:1080");
    expect(config.readFiles.map(({ path }) => path)).toContain(join(cwd, "proxy.url"));
    const keys = upstream?.credentials.map(({ via }) => via.key) ?? [];
    expect(new Set(keys).size).toBe(2);
    expect(keys.join()).not.toContain("word");
  });

  test("is that of the environment where this is written, by scheme and with its exceptions", async () => {
    const env = {
      http_proxy: "plain.example:3128",
      HTTP_PROXY: "http://not-this.example",
      CLEWLINE_INTERNAL_PROXY_HTTPS: "http://kept.example:1",
      NO_PROXY: "localhost, .internal 10.0.0.0/8",
    };
    const { config } = await load(
      fileOf({ network: 'proxy = "environment"\nno_proxy = ["extra.example"]' }),
      env,
    );
    const { via } = config.network;
    expect([via.httpProxy?.name, via.httpsProxy?.name]).toEqual([
      "http://plain.example:3128",
      "http://kept.example:1",
    ]);
    expect(via.noProxy).toEqual(["localhost", ".internal", "10.0.0.0/8", "extra.example"]);
    expect(
      await waysOf(fileOf({ upstream: 'proxy = "environment"' }), { all_proxy: "socks5h://all.example" }),
    ).toEqual([
      undefined,
      "socks5h://all.example:1080",
      "socks5h://all.example:1080",
      "socks5h://all.example:1080",
    ]);
  });

  test("has no exceptions but for the proxy of all", async () => {
    const { config } = await load(
      fileOf({
        network:
          'proxy = "http://a.example:1"\nno_proxy = ["b.example", "[::1]:80", "*.c.example", "fd00::/8"]',
        upstream: 'proxy = "http://b.example:1"',
      }),
    );
    expect(config.network.via.noProxy).toHaveLength(4);
    expect(config.upstreams[0]?.via.noProxy).toEqual([]);
  });

  test("has the authorities, the certificate and the version of its upstream", async () => {
    const { config } = await load(
      fileOf({
        upstream:
          'ca_file = "ca.pem"\ncert_file = "localhost.pem"\nkey_file = "localhost.pem"\nmin_tls_version = "1.3"\nwarm_connections = 2',
      }),
    );
    const via = config.upstreams[0]?.credentials[1]?.via as Via;
    const client = { cert: pem("localhost"), key: pem("localhost") };
    expect([via.tls, via.warmConnections]).toEqual([{ ca: pem("ca"), client, minVersion: "1.3" }, 2]);
    expect(config.network.via.tls).toBeNull();
    expect(config.readFiles.map(({ path }) => path)).toContain(join(cwd, "ca.pem"));
  });
});

const SECRET = "hunter2word";
for (const [what, proxy, said] of [
  ["an unknown kind", `socks4://me:${SECRET}@a.example`, "is of a kind that Clewline does not know"],
  ["no kind", `a.example:3128/${SECRET}`, "names no kind of proxy"],
  ["no host", "http://:3128", "is not the address of a proxy"],
  ["a port that is none", `http://${SECRET}:99999`, "is not the address of a proxy"],
  ["a path", `http://a.example:1/${SECRET}`, "has more than a host and a port"],
  ["a query", `http://a.example:1/?${SECRET}`, "has more than a host and a port"],
  ["a bare percent sign", `http://me:100%${SECRET}@a.example:1`, "write a % as %25"],
  ["a colon in the user", `http://m%3Ae:${SECRET}@a.example:1`, "has a : in its user"],
  ["a password that SOCKS cannot say", `socks5://me:${SECRET.repeat(30)}@a.example`, "too long for SOCKS"],
] as const) {
  test(`refused: a proxy with ${what}, of which nothing is shown`, async () => {
    for (const place of ["network", "upstream", "credential"] as const) {
      const problems = await problemsOf(fileOf({ [place]: `proxy = "${proxy}"` }));
      expect(problems).toContain(said);
      expect(problems).not.toContain(SECRET);
    }
  });
}

for (const [what, parts, said] of [
  [
    "an exception that is none",
    { network: 'no_proxy = ["http://a.example"]' },
    "is no host, address or CIDR",
  ],
  ["an exception with a bad CIDR", { network: 'no_proxy = ["10.0.0.0/40"]' }, "is no host, address or CIDR"],
  [
    "authorities that are not there",
    { upstream: 'ca_file = "none.pem"' },
    "the file cannot be read (ENOENT)",
  ],
  ["authorities without a certificate", { upstream: 'ca_file = "clewline.toml"' }, "holds no certificate"],
  [
    "a certificate without its key",
    { upstream: 'cert_file = "localhost.pem"' },
    "is of no use without key_file",
  ],
  [
    "a key without its certificate",
    { upstream: 'key_file = "localhost.pem"' },
    "is of no use without cert_file",
  ],
  [
    "a pair of two pairs",
    { upstream: 'cert_file = "localhost.pem"\nkey_file = "other-host.pem"' },
    "is not the private key of the certificate in upstreams[0].cert_file",
  ],
  ["an old version of TLS", { upstream: 'min_tls_version = "1.1"' }, 'did you mean "1.2"?'],
] as const) {
  test(`refused: ${what}`, async () => {
    expect(await problemsOf(fileOf(parts))).toContain(said);
  });
}

test("refused: a proxy of the environment that is none, by the name of its variable alone", async () => {
  const text = fileOf({ network: 'proxy = "environment"' });
  const problems = await problemsOf(text, { https_proxy: `socks4://me:${SECRET}@a.example` });
  expect(problems).toContain(
    "means the variable https_proxy, which is of a kind that Clewline does not know",
  );
  expect(problems).not.toContain(SECRET);
  expect(await problemsOf(text, { NO_PROXY: "good.example,bad/entry" })).toContain(
    "whose entry 2 is no host",
  );
});

test("a command that needs no more than the way to all reads no more, and names what is wrong with it", async () => {
  const file = join(cwd, "clewline.toml");
  await writeFile(file, `[network]\nproxy = "env:WAY"\n[[upstreams]]\nname = 5\n`);
  const env = { HOME: cwd, WAY: "http://me:word@a.example:1" };
  expect((await loadNetworkVia({ file, env, cwd })).httpsProxy?.name).toBe("http://a.example:1");
  expect(await loadNetworkVia({ file: null, env, cwd })).toEqual(DIRECT);
  const wrong = loadNetworkVia({ file, env: { HOME: cwd }, cwd }).catch(
    (error: ConfigError) => error.problems,
  );
  expect(JSON.stringify(await wrong)).toContain("WAY is not set");
});
