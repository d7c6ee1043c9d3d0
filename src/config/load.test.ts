import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ParameterValues } from "../neutral/amendment.ts";
import { PLAIN_SETTINGS } from "./client-keys.ts";
import type { Config } from "./config.ts";
import type { ConfigFlags, Env } from "./environment.ts";
import { findConfigFile } from "./file.ts";
import { CREDENTIAL_DEFAULTS, DEFAULTS, UPSTREAM_DEFAULTS } from "./fixtures/defaults.ts";
import { loadConfig } from "./load.ts";
import { ConfigError, type Problem, renderProblems } from "./problem.ts";

let cwd = "";
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), "config-"));
});
afterAll(() => rm(cwd, { recursive: true, force: true }));

interface Given {
  readonly env?: Env;
  readonly flags?: ConfigFlags;
}

async function load(
  text: string,
  { env = {}, flags = {} }: Given = {},
): Promise<{ config: Config; warnings: readonly Problem[] }> {
  const file = join(cwd, "clewline.toml");
  await writeFile(file, text, { mode: 0o600 });
  return loadConfig({
    file,
    env: { HOME: cwd, ...env },
    flags,
    cwd,
    hashPassword: async (word) => `hash of ${word}`,
  });
}

async function problemsOf(text: string, given: Given = {}): Promise<string> {
  try {
    await load(text, given);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return renderProblems((error as ConfigError).problems);
  }
  throw new Error("the configuration was accepted");
}

const UPSTREAM = `[[upstreams]]
name = "a"
family = "openai"
[[upstreams.credentials]]
name = "main"
api_key = "secret-one"
`;
const NO_PARAMETERS: ParameterValues = {
  temperature: null,
  topP: null,
  topK: null,
  maxOutputTokens: null,
  effort: null,
  thinkingBudgetTokens: null,
  stop: null,
  seed: null,
};
const KEY = `[[keys]]
name = "me"
key = "client-key"
`;

describe("a good file", () => {
  test("says everything it can say", async () => {
    await writeFile(join(cwd, "provider.key"), "from-file\r\n", { mode: 0o600 });
    const { config, warnings } = await load(
      `[server]
host = "::1"
port = 9000
data_dir = "data"
trusted_proxies = ["10.0.0.0/8", "fd00::1"]
hosts = ["Gateway.Example.com"]
base_path = "/llm"
cors_origins = ["https://app.example.com"]
[log]
level = "warn"
[admin]
password = "env:WORD"
[metrics]
port = 9001
key = "scrape-me"
[ledger]
on_failure = "serve"
[[upstreams]]
name = "anthropic"
family = "anthropic"
[[upstreams.credentials]]
name = "main"
api_key = "env:ANTHROPIC_API_KEY"
[[upstreams]]
name = "local.1"
family = "openai"
base_url = "http://127.0.0.1:8000/v1/"
dialects = ["openai-chat"]
inject_usage = false
idle_timeout_ms = 5
credentials = [{ name = "x", api_key = "file:provider.key", priority = 2 }]
[[keys]]
name = "me"
key = "abc"
[[models]]
name = "fast-*"
targets = ["anthropic/claude-*", "local.1/org/model"]
`,
      { env: { WORD: "open sesame", ANTHROPIC_API_KEY: "sk-1" } },
    );
    expect(warnings).toEqual([]);
    expect(config).toEqual({
      file: join(cwd, "clewline.toml"),
      hasSecrets: true,
      readFiles: ["clewline.toml", "provider.key"].map((name) => ({
        path: join(cwd, name),
        version: expect.stringMatching(/^\d+ \d+ /),
      })),
      server: {
        ...DEFAULTS.server,
        tls: null,
        host: "::1",
        port: 9000,
        dataDir: join(cwd, "data"),
        trustedProxies: ["10.0.0.0/8", "fd00::1"],
        hosts: ["gateway.example.com"],
        basePath: "/llm",
        corsOrigins: ["https://app.example.com"],
      },
      log: { level: "warn", requests: null },
      admin: {
        passwordHash: "hash of open sesame",
        listen: null,
        allowPrivate: false,
        budgetUsdPerDay: "5.00",
      },
      alerts: { ...DEFAULTS.alerts, webhook: null, secret: null },
      metrics: {
        enabled: true,
        port: 9001,
        keySha256: sha("scrape-me"),
      },
      ledger: {
        onFailure: "serve",
        queueRows: 10_000,
        keepDays: 400,
        keepBytes: 0,
        minFreeBytes: 1_073_741_824,
      },
      limits: { assumedOutputTokens: 4_096, unpriced: "refuse" },
      pool: DEFAULTS.pool,
      cache: DEFAULTS.cache,
      capture: DEFAULTS.capture,
      network: DEFAULTS.network,
      upstreams: [
        {
          ...UPSTREAM_DEFAULTS,
          name: "anthropic",
          family: "anthropic",
          credentials: [{ ...CREDENTIAL_DEFAULTS, name: "main", apiKey: "sk-1" }],
        },
        {
          ...UPSTREAM_DEFAULTS,
          name: "local.1",
          family: "openai",
          baseUrl: "http://127.0.0.1:8000/v1",
          dialects: ["openai-chat"],
          injectUsage: false,
          idleTimeoutMs: 5,
          credentials: [{ ...CREDENTIAL_DEFAULTS, name: "x", apiKey: "from-file", priority: 2 }],
        },
      ],
      keys: [
        {
          ...PLAIN_SETTINGS,
          name: "me",
          keySha256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        },
      ],
      teams: [],
      models: [
        {
          name: "fast-*",
          targets: ["anthropic/claude-*", "local.1/org/model"],
          order: "given",
          weights: null,
          onOverflow: [],
          onRefusal: [],
          strict: false,
          cache: null,
          systemBefore: null,
          systemAfter: null,
          defaults: NO_PARAMETERS,
          fixed: NO_PARAMETERS,
        },
      ],
      media: DEFAULTS.media,
      translation: DEFAULTS.translation,
      traits: [],
      simulator: { port: null },
      prices: [],
    });
    expect(Object.isFrozen(config.upstreams[0]?.credentials[0])).toBe(true);
  });

  test("says how requests are translated", async () => {
    const { config, warnings } = await load(
      `[server]
keepalive_interval_s = 20
reply_limit_bytes = 1000
[media]
fetch = true
fetch_limit_bytes = 5
fetch_timeout_ms = 6
[translation]
memory_bytes = 0
[[upstreams]]
name = "a"
family = "openai"
dialects = ["openai-responses", "openai-chat"]
credentials = [{ name = "main", api_key = "env:KEY" }]
[[keys]]
name = "me"
key = "env:KEY"
strict = true
[[models]]
name = "plain"
targets = ["a/x"]
[[models]]
name = "tuned"
targets = ["a/y", "a/z"]
order = "weighted"
weights = [3, 1]
on_overflow = ["a/z"]
on_refusal = ["a/long", "a/z"]
strict = true
system_before = "Be brief."
system_after = "Speak French."
[models.defaults]
temperature = 0.5
top_p = 1
top_k = 4
max_output_tokens = 100
effort = "xhigh"
stop = ["END"]
seed = -1
[models.fixed]
thinking_budget_tokens = 0
[[traits]]
match = "local-*"
context_tokens = 8192
efforts = ["low", "none"]
image = true
mid_system = false
[[traits]]
match = "bare"
`,
      { env: { KEY: "secret" } },
    );
    expect(warnings).toEqual([]);
    expect(config.server).toMatchObject({ keepaliveIntervalS: 20, replyLimitBytes: 1_000 });
    expect(config.media).toEqual({ fetch: true, fetchLimitBytes: 5, fetchTimeoutMs: 6 });
    expect(config.translation).toEqual({ ...DEFAULTS.translation, memoryBytes: 0 });
    expect(config.upstreams[0]?.dialects).toEqual(["openai-responses", "openai-chat"]);
    expect(config.keys[0]?.strict).toBe(true);
    const [plain, tuned] = config.models;
    expect(plain).toMatchObject({ strict: false, systemBefore: null, fixed: NO_PARAMETERS });
    expect(tuned).toEqual({
      name: "tuned",
      targets: ["a/y", "a/z"],
      order: "weighted",
      weights: [3, 1],
      onOverflow: ["a/z"],
      onRefusal: ["a/long", "a/z"],
      strict: true,
      cache: null,
      systemBefore: "Be brief.",
      systemAfter: "Speak French.",
      defaults: {
        temperature: 0.5,
        topP: 1,
        topK: 4,
        maxOutputTokens: 100,
        effort: "xhigh",
        thinkingBudgetTokens: null,
        stop: ["END"],
        seed: -1,
      },
      fixed: { ...NO_PARAMETERS, thinkingBudgetTokens: 0 },
    });
    const [local, bare] = config.traits;
    expect(local).toMatchObject({
      match: "local-*",
      contextTokens: 8_192,
      efforts: ["low", "none"],
      image: true,
      midSystem: false,
      pdf: null,
    });
    expect(Object.entries(bare ?? {}).filter(([, value]) => value !== null)).toEqual([["match", "bare"]]);
  });

  test("takes the settings of single tables from the environment", async () => {
    const { config } = await load("[log]\n", {
      env: {
        CLEWLINE_SERVER__KEEPALIVE_INTERVAL_S: "3",
        CLEWLINE_MEDIA__FETCH: "true",
        CLEWLINE_TRANSLATION__MEMORY_BYTES: "7",
      },
    });
    expect(config.server.keepaliveIntervalS).toBe(3);
    expect(config.media.fetch).toBe(true);
    expect(config.translation.memoryBytes).toBe(7);
  });

  test("may have neither keys nor upstreams, with a word on what is missing", async () => {
    const { config, warnings } = await load("[server]\n");
    expect(config.server).toMatchObject({ port: 8484, tls: null, bodyLimitBytes: 33_554_432 });
    expect(config.ledger).toMatchObject({ onFailure: "refuse", queueRows: 10_000 });
    expect(config.admin).toBeNull();
    expect(config.server.dataDir).toContain("clewline");
    expect(warnings.map((warning) => warning.message)).toEqual([
      "there are no upstreams, so no model can be reached",
      "there are no keys, so every request is refused, unless `clewline keys` has made some",
    ]);
  });

  test("needs none of its secrets for a tool that asks where things are", async () => {
    const file = join(cwd, "clewline.toml");
    await writeFile(
      file,
      `[admin]\npassword = "env:NOT_SET"\n${UPSTREAM.replace("secret-one", "env:NOT_SET")}${KEY}`,
    );
    const { config } = await loadConfig({ file, env: { HOME: cwd }, flags: {}, cwd, needsSecrets: false });
    expect(config.upstreams[0]?.credentials[0]).toMatchObject({ name: "main", apiKey: "" });
    expect(config.admin).toBeNull();
  });
});

describe("environment and flags", () => {
  test("flags win over the environment, the environment over the file", async () => {
    const file = '[server]\nport = 1\nhost = "file"\ndata_dir = "file"\n[log]\nlevel = "debug"\n';
    const env = {
      CLEWLINE_PORT: "2",
      CLEWLINE_HOST: "environment",
      CLEWLINE_SERVER__HOSTS: "a.example, b.example",
    };
    const { config } = await load(file, { env, flags: { port: 3, dataDir: "flag" } });
    expect(config.server).toMatchObject({
      port: 3,
      host: "environment",
      dataDir: join(cwd, "flag"),
      hosts: ["a.example", "b.example"],
    });
    expect(config.log.level).toBe("debug");
  });

  test("the long name wins over the short one, and an empty variable is none", async () => {
    const env = { CLEWLINE_PORT: "2", CLEWLINE_SERVER__PORT: "3", CLEWLINE_HOST: "" };
    const { config } = await load("[log]\n", { env });
    expect([config.server.port, config.server.host]).toEqual([3, "127.0.0.1"]);
  });

  test("what Kubernetes puts beside a service of this name is no setting", async () => {
    const env = {
      CLEWLINE_PORT: "tcp://10.0.0.1:8484",
      CLEWLINE_SERVICE_HOST: "10.0.0.1",
      CLEWLINE_SERVICE_PORT_HTTP: "8484",
      CLEWLINE_PORT_8484_TCP_ADDR: "10.0.0.1",
    };
    const { config, warnings } = await load(UPSTREAM + KEY, { env });
    expect(config.server.port).toBe(8484);
    expect(warnings).toEqual([]);
  });

  test("a variable that nothing reads gets a suggestion", async () => {
    const env = { CLEWLINE_SERVER__PROT: "1", CLEWLINE_KEY: "client" };
    const { warnings } = await load(`${UPSTREAM}[[keys]]\nname = "me"\nkey = "env:CLEWLINE_KEY"\n`, { env });
    expect(renderProblems(warnings)).toBe(
      'CLEWLINE_SERVER__PROT: nothing reads this variable; did you mean "CLEWLINE_SERVER__PORT"?\n',
    );
  });

  test("the variable in which the README keeps a client's key gets no warning", async () => {
    const { warnings } = await load(UPSTREAM + KEY, { env: { CLEWLINE_KEY: "client", CLEWLINE_KEYS: "1" } });
    expect(warnings.map(({ key }) => key)).toEqual(["CLEWLINE_KEYS"]);
  });

  test("mistakes are named by what made them", async () => {
    const env = {
      CLEWLINE_LOG_LEVEL: "loud",
      CLEWLINE_METRICS__ENABLED: "yes",
      CLEWLINE_SERVER__HOSTS: "a.example,b:1",
    };
    const text = await problemsOf("[log]\n", { env, flags: { port: "many" } });
    expect(text.trim().split("\n").toSorted()).toEqual([
      '--port = "many": must be a whole number from 0 to 65535',
      'CLEWLINE_LOG_LEVEL = "loud": unknown level; use "debug" or "info" or "warn" or "error"',
      'CLEWLINE_METRICS__ENABLED = "yes": must be true or false',
      'CLEWLINE_SERVER__HOSTS = "b:1": is not a host name or address; write the host without scheme, port and path, as in "gateway.example.com"',
    ]);
  });
});

/** Each file with the whole of what is said about it. */
const BAD: readonly (readonly [what: string, file: string, said: string])[] = [
  [
    "a family that is mistyped",
    UPSTREAM.replace('"openai"', '"opnai"'),
    'clewline.toml:3:10 upstreams[0].family = "opnai": unknown family; did you mean "openai"?',
  ],
  [
    "a family from elsewhere",
    UPSTREAM.replace('"openai"', '"mistral"'),
    'clewline.toml:3:10 upstreams[0].family = "mistral": unknown family; use "anthropic" or "gemini" or "openai" or "vertex"',
  ],
  [
    "a port that is text",
    '[server]\nport = "8484"',
    'clewline.toml:2:8 server.port = "8484": must be a whole number from 0 to 65535; write digits without quotes',
  ],
  [
    "a port out of range",
    "[server]\nport = 70000",
    "clewline.toml:2:8 server.port = 70000: must be a whole number from 0 to 65535",
  ],
  [
    "a port with a fraction",
    "[server]\nport = 80.5",
    "clewline.toml:2:8 server.port = 80.5: must be a whole number from 0 to 65535",
  ],
  [
    "no room for an answer",
    "[limits]\nassumed_output_tokens = 0",
    "clewline.toml:2:25 limits.assumed_output_tokens = 0: must be a whole number from 1 to 1000000",
  ],
  [
    "a word for models without a price that is none",
    '[limits]\nunpriced = "free"',
    'clewline.toml:2:12 limits.unpriced = "free": unknown unpriced; use "refuse" or "allow"',
  ],
  [
    "a limit that belongs to a key",
    "[limits]\nrequests_per_minute = 5",
    "clewline.toml:2:1 limits.requests_per_minute: unknown key; this key belongs in [[upstreams.credentials]] or [[keys]] or [[keys.per_model]]",
  ],
  [
    "a number beyond all numbers",
    "[ledger]\nqueue_rows = 99999999999999999999",
    "clewline.toml:2:14 ledger.queue_rows: must be a whole number from 1 to 1000000",
  ],
  [
    "a time that no timer takes",
    `${UPSTREAM.replace("[[upstreams.c", "idle_timeout_ms = 0\n[[upstreams.c")}`,
    "clewline.toml:4:19 upstreams[0].idle_timeout_ms = 0: must be a whole number from 1 to 2147483647",
  ],
  [
    "a date",
    "[server]\nhost = 2026-01-01",
    'clewline.toml:2:8 server.host: must be text; put the text in quotes: host = "…"',
  ],
  [
    "a table that is a date",
    "server = 2026-01-01",
    "clewline.toml:1:10 server: must be a table; write [server] above its keys",
  ],
  [
    "an unknown key",
    "[server]\nprot = 1",
    'clewline.toml:2:1 server.prot: unknown key; did you mean "port"?',
  ],
  [
    "a key in another spelling",
    UPSTREAM.replace("api_key", "apiKey"),
    'clewline.toml:4:1 upstreams[0].credentials[0].api_key: is missing; add api_key = "env:NAME", "file:PATH" or the text itself\nclewline.toml:6:1 upstreams[0].credentials[0].apiKey: unknown key; did you mean "api_key"?',
  ],
  [
    "a key in the wrong place",
    "queue_rows = 3",
    "clewline.toml:1:1 queue_rows: unknown key; this key belongs in [ledger]",
  ],
  [
    "a keep-alive that is no number of seconds",
    "[server]\nkeepalive_interval_s = 0.5",
    "clewline.toml:2:24 server.keepalive_interval_s = 0.5: must be a whole number from 0 to 86400",
  ],
  [
    "a limit of nothing",
    "[server]\nreply_limit_bytes = 0",
    "clewline.toml:2:21 server.reply_limit_bytes = 0: must be a whole number from 1 to 1073741824",
  ],
  [
    "strictness in words",
    `${KEY}strict = "yes"`,
    'clewline.toml:4:10 keys[0].strict = "yes": must be true or false; write true or false without quotes',
  ],
  [
    "a temperature that is too high",
    `${UPSTREAM}[[models]]\nname = "m"\ntargets = ["a/x"]\n[models.fixed]\ntemperature = 2.5`,
    "clewline.toml:11:15 models[0].fixed.temperature = 2.5: must be a number from 0 to 2",
  ],
  [
    "a temperature in quotes",
    `${UPSTREAM}[[models]]\nname = "m"\ntargets = ["a/x"]\n[models.fixed]\ntemperature = "1"`,
    'clewline.toml:11:15 models[0].fixed.temperature = "1": must be a number from 0 to 2; write digits without quotes',
  ],
  [
    "a temperature that is no number",
    `${UPSTREAM}[[models]]\nname = "m"\ntargets = ["a/x"]\ndefaults = { temperature = nan }`,
    "clewline.toml:10:28 models[0].defaults.temperature = NaN: must be a number from 0 to 2",
  ],
  [
    "an unknown parameter",
    `${UPSTREAM}[[models]]\nname = "m"\ntargets = ["a/x"]\n[models.defaults]\ntemprature = 1`,
    'clewline.toml:11:1 models[0].defaults.temprature: unknown key; did you mean "temperature"?',
  ],
  [
    "an unknown effort",
    `${UPSTREAM}[[models]]\nname = "m"\ntargets = ["a/x"]\n[models.defaults]\neffort = "hgih"`,
    'clewline.toml:11:10 models[0].defaults.effort = "hgih": unknown effort; did you mean "high"?',
  ],
  [
    "an effort beside a budget",
    `${UPSTREAM}[[models]]\nname = "m"\ntargets = ["a/x"]\n[models.fixed]\neffort = "low"\nthinking_budget_tokens = 9`,
    "clewline.toml:12:26 models[0].fixed.thinking_budget_tokens = 9: cannot be combined with effort; keep one of the two",
  ],
  [
    "a stop text that is empty",
    `${UPSTREAM}[[models]]\nname = "m"\ntargets = ["a/x"]\n[models.fixed]\nstop = ["x", ""]`,
    'clewline.toml:11:14 models[0].fixed.stop[1] = "": is empty; give the text a value or remove it',
  ],
  [
    "empty instructions",
    `${UPSTREAM}[[models]]\nname = "m"\ntargets = ["a/x"]\nsystem_before = " "`,
    'clewline.toml:10:17 models[0].system_before = " ": is empty; give the key a value or remove the line',
  ],
  [
    "time without end for a fetch",
    "[media]\nfetch = true\nfetch_timeout_ms = 0",
    "clewline.toml:3:20 media.fetch_timeout_ms = 0: must be a whole number from 1 to 2147483647",
  ],
  [
    "a memory that is too large",
    "[translation]\nmemory_bytes = 2000000000",
    "clewline.toml:2:16 translation.memory_bytes = 2000000000: must be a whole number from 0 to 1073741824",
  ],
  [
    "traits of nothing",
    "[[traits]]\nimage = false",
    'clewline.toml:1:1 traits[0].match: is missing; add match = "…"',
  ],
  [
    "a pattern with a * in the midst",
    '[[traits]]\nmatch = "qwen*vl"',
    'clewline.toml:2:9 traits[0].match = "qwen*vl": has a * that is not at its end; write the value as in "claude-*"',
  ],
  [
    "traits of the same model twice",
    '[[traits]]\nmatch = "q"\n[[traits]]\nmatch = "q"',
    'clewline.toml:4:9 traits[1].match = "q": is also the match of traits[0] (line 2); write both entries as one',
  ],
  [
    "words for a model that thinks by budget",
    '[[traits]]\nmatch = "q"\nthinking = "budget"\nefforts = ["low"]',
    'clewline.toml:4:11 traits[0].efforts: cannot be combined with thinking = "budget"; remove one of the two',
  ],
  [
    "words and a budget",
    '[[traits]]\nmatch = "q"\nefforts = ["low"]\nmax_budget_tokens = 5',
    "clewline.toml:4:21 traits[0].max_budget_tokens = 5: cannot be combined with efforts; remove one of the two",
  ],
  [
    "no word at all",
    '[[traits]]\nmatch = "q"\nefforts = []',
    'clewline.toml:3:11 traits[0].efforts: is empty; name at least one, or write thinking = "none"',
  ],
  [
    "a smallest budget above the largest",
    '[[traits]]\nmatch = "q"\nmin_budget_tokens = 9\nmax_budget_tokens = 5',
    "clewline.toml:3:21 traits[0].min_budget_tokens = 9: is above max_budget_tokens; swap the two values",
  ],
  [
    "thinking that can be and cannot be switched off",
    '[[traits]]\nmatch = "q"\nefforts = ["low"]\ncan_disable_thinking = true',
    'clewline.toml:4:24 traits[0].can_disable_thinking = true: contradicts efforts; remove this line, because "none" in efforts decides',
  ],
  [
    "an unknown table",
    "[cluster]\nsize = 1",
    "clewline.toml:1:1 cluster: unknown key; tables: server, log, admin, metrics, limits, ledger, pool, cache, capture, alerts, network, upstreams, keys, teams, models, media, translation, simulator, traits, prices",
  ],
  [
    "a key that is a trap",
    "[__proto__]\nadmin = 1",
    "clewline.toml:1:1 __proto__: unknown key; tables: server, log, admin, metrics, limits, ledger, pool, cache, capture, alerts, network, upstreams, keys, teams, models, media, translation, simulator, traits, prices",
  ],
  ...[
    [
      'affinity = "on"',
      ':12 pool.affinity = "on": must be true or false; write true or false without quotes',
    ],
    ["warm_wait_ms = -1", ":16 pool.warm_wait_ms = -1: must be a whole number from 0 to 60000"],
    ["warm_wait_ms = 60001", ":16 pool.warm_wait_ms = 60001: must be a whole number from 0 to 60000"],
    [
      "warm_worth_nano_usd = 0.5",
      ":23 pool.warm_worth_nano_usd = 0.5: must be a whole number from 0 to 1000000000000",
    ],
    [
      'warm_worth_nano_usd = "1"',
      ':23 pool.warm_worth_nano_usd = "1": must be a whole number from 0 to 1000000000000; write digits without quotes',
    ],
    ["warm_wait = 5", ':1 pool.warm_wait: unknown key; did you mean "warm_wait_ms"?'],
  ].map(([line, problem]) => [`in [pool]: ${line}`, `[pool]\n${line}`, `clewline.toml:2${problem}`] as const),
  ...[
    ["memory_bytes = -1", ":16 cache.memory_bytes = -1: must be a whole number from 0 to 68719476736"],
    [
      'memory_bytes = "64M"',
      ':16 cache.memory_bytes = "64M": must be a whole number from 0 to 68719476736; write digits without quotes',
    ],
    ["life_s = 0", ":10 cache.life_s = 0: must be a whole number from 1 to 31536000"],
    ['file = "yes"', ':8 cache.file = "yes": must be true or false; write true or false without quotes'],
    [
      "file_bytes = 1000",
      ":14 cache.file_bytes = 1000: must be a whole number from 1048576 to 1099511627776",
    ],
    ["file_life_s = 1.5", ":15 cache.file_life_s = 1.5: must be a whole number from 1 to 31536000"],
    [
      "size = 1",
      ":1 cache.size: unknown key; keys of cache: memory_bytes, life_s, file, file_bytes, file_life_s",
    ],
  ].map(([line, said]) => [`[cache] ${line}`, `[cache]\n${line}`, `clewline.toml:2${said}`] as const),
  [
    "a model's cache with a word that is none of its values",
    `${UPSTREAM}[[models]]\nname = "m"\ntargets = ["a/x"]\ncache = "on"`,
    'clewline.toml:10:9 models[0].cache = "on": unknown cache; use "off" or "repeatable" or "all"',
  ],
  [
    "a single table for a list",
    '[keys]\nname = "me"',
    "clewline.toml:1:1 keys: must be a list of tables; write [[keys]] above the entry",
  ],
  [
    "a text for a list",
    '[server]\nhosts = "a"',
    'clewline.toml:2:9 server.hosts = "a": must be a list; write the value as in ["one", "two"]',
  ],
  [
    "a name that is missing",
    '[[keys]]\nkey = "x"',
    'clewline.toml:1:1 keys[0].name: is missing; add name = "…"',
  ],
  [
    "an upstream's name in capitals",
    UPSTREAM.replace('"a"', '"A b"'),
    'clewline.toml:2:8 upstreams[0].name = "A b": is not a name for an upstream; use 1 to 64 of a-z, 0-9, dot, _ and -, beginning with a letter or digit',
  ],
  [
    "a name twice",
    UPSTREAM + UPSTREAM,
    'clewline.toml:8:8 upstreams[1].name = "a": is also the name of upstreams[0] (line 2); give each entry its own name',
  ],
  [
    "a credential's name twice",
    `${UPSTREAM}[[upstreams.credentials]]\nname = "main"\napi_key = "b"`,
    'clewline.toml:8:8 upstreams[0].credentials[1].name = "main": is also the name of upstreams[0].credentials[0] (line 5); give each entry its own name',
  ],
  [
    "a client key twice",
    `${KEY}${KEY.replace('"me"', '"you"')}`,
    "clewline.toml:6:7 keys[1].key = (hidden): is the same key as keys[0]; give each client a key of its own",
  ],
  [
    "an upstream without credentials",
    '[[upstreams]]\nname = "a"\nfamily = "gemini"',
    'clewline.toml:1:1 upstreams[0]: has no credentials; add [[upstreams.credentials]] with name and api_key below it (api_key = "none" for a server that asks for no key), or write caller_credentials = true to pass those of callers on',
  ],
  [
    "credentials beside those of callers",
    UPSTREAM.replace('"openai"', '"openai"\ncaller_credentials = true'),
    "clewline.toml:4:22 upstreams[0].caller_credentials = true: cannot stand beside [[upstreams.credentials]]; remove one of the two; write a second upstream for the other",
  ],
  [
    "a query parameter that is a credential",
    UPSTREAM.replace('"openai"', '"openai"\nquery_parameters = ["deployment", "access_token"]'),
    'clewline.toml:4:35 upstreams[0].query_parameters[1] = "access_token": is a credential, which never passes in a query; remove it; the upstream\'s credentials are in [[upstreams.credentials]]',
  ],
  [
    "dialects of another family",
    UPSTREAM.replace('"openai"', '"gemini"\ndialects = ["openai-chat"]'),
    "clewline.toml:4:12 upstreams[0].dialects: family gemini speaks one dialect only; remove the line",
  ],
  [
    "a dialect that is none",
    UPSTREAM.replace('"openai"', '"openai"\ndialects = ["openai-caht"]'),
    'clewline.toml:4:13 upstreams[0].dialects[0] = "openai-caht": unknown dialect; did you mean "openai-chat"?',
  ],
  [
    "a base URL without a scheme",
    UPSTREAM.replace('"openai"', '"openai"\nbase_url = "localhost:8000"'),
    'clewline.toml:4:12 upstreams[0].base_url = "localhost:8000": is not an http or https URL; write the value as in "https://api.example.com/v1"',
  ],
  [
    "a base URL with a password",
    UPSTREAM.replace('"openai"', '"openai"\nbase_url = "https://u:p@example.com"'),
    "clewline.toml:4:12 upstreams[0].base_url = (hidden): must have no user name, password, query or fragment; credentials belong in [[upstreams.credentials]]",
  ],
  [
    "a target of no upstream",
    `${UPSTREAM.replace('"a"', '"anthropic"')}[[models]]\nname = "m"\ntargets = ["antropic/x"]`,
    'clewline.toml:9:12 models[0].targets[0] = "antropic/x": does not begin with the name of an upstream; did you mean "anthropic"?',
  ],
  [
    "a target without a model",
    `${UPSTREAM}[[models]]\nname = "m"\ntargets = ["a"]`,
    'clewline.toml:9:12 models[0].targets[0] = "a": is not a target; write the target as upstream/model, as in "anthropic/claude-haiku-4-5"',
  ],
  [
    "a star within a model's name",
    `${UPSTREAM}[[models]]\nname = "m*x"\ntargets = ["a/x"]`,
    'clewline.toml:8:8 models[0].name = "m*x": has a * that is not at its end; write the value as in "claude-*"',
  ],
  [
    "a star that stands for nothing",
    `${UPSTREAM}[[models]]\nname = "m"\ntargets = ["a/*"]`,
    'clewline.toml:9:12 models[0].targets[0] = "a/*": has a * but the model\'s name has none; end the name in *, or write the model in full',
  ],
  [
    "two stars",
    `${UPSTREAM}[[models]]\nname = "m*"\ntargets = ["a/*-*"]`,
    'clewline.toml:9:12 models[0].targets[0] = "a/*-*": has more than one *; keep one *, which is replaced by the text that the * of the name matched',
  ],
  [
    "no targets",
    `${UPSTREAM}[[models]]\nname = "m"\ntargets = []`,
    'clewline.toml:9:11 models[0].targets: is empty; name at least one target, as in ["anthropic/claude-haiku-4-5"]',
  ],
  [
    "an order that is none",
    `${UPSTREAM}[[models]]\nname = "m"\ntargets = ["a/x"]\norder = "random"`,
    'clewline.toml:10:9 models[0].order = "random": unknown order; use "given" or "weighted" or "least-busy" or "fastest" or "cheapest"',
  ],
  [
    "a weight of nothing",
    `${UPSTREAM}[[models]]\nname = "m"\ntargets = ["a/x", "a/y"]\norder = "weighted"\nweights = [1, 0]`,
    "clewline.toml:11:15 models[0].weights[1] = 0: must be a whole number from 1 to 1000",
  ],
  [
    "a weight below nothing",
    `${UPSTREAM}[[models]]\nname = "m"\ntargets = ["a/x", "a/y"]\norder = "weighted"\nweights = [-2, 1]`,
    "clewline.toml:11:12 models[0].weights[0] = -2: must be a whole number from 1 to 1000",
  ],
  [
    "no weights",
    `${UPSTREAM}[[models]]\nname = "m"\ntargets = ["a/x"]\norder = "weighted"\nweights = []`,
    "clewline.toml:11:11 models[0].weights: is empty; give one weight for each target, or remove the line",
  ],
  [
    "a weight too few",
    `${UPSTREAM}[[models]]\nname = "m"\ntargets = ["a/x", "a/y"]\norder = "least-busy"\nweights = [1]`,
    "clewline.toml:11:11 models[0].weights: has 1 number for 2 targets; give one weight for each target",
  ],
  [
    "weights without an order that reads them",
    `${UPSTREAM}[[models]]\nname = "m"\ntargets = ["a/x"]\nweights = [2]`,
    'clewline.toml:10:11 models[0].weights: have no effect with order = "given"; write order = "weighted" or "least-busy", or remove the line',
  ],
  [
    "a detour to an upstream that is not there",
    `${UPSTREAM}[[models]]\nname = "m"\ntargets = ["a/x"]\non_overflow = ["b/long"]`,
    'clewline.toml:10:16 models[0].on_overflow[0] = "b/long": does not begin with the name of an upstream; did you mean "a"?',
  ],
  [
    "a detour by the name of an entry",
    `${UPSTREAM}[[models]]\nname = "m"\ntargets = ["a/x"]\non_refusal = ["m"]`,
    'clewline.toml:10:15 models[0].on_refusal[0] = "m": is not a target; write the target as upstream/model, as in "anthropic/claude-haiku-4-5"',
  ],
  [
    "a detour that leads back",
    `${UPSTREAM}[[models]]\nname = "m"\ntargets = ["a/x"]\non_overflow = ["a/x"]`,
    'clewline.toml:10:16 models[0].on_overflow[0] = "a/x": is the entry\'s only target; name another model, or remove it',
  ],
  [
    "a detour that is named twice",
    `${UPSTREAM}[[models]]\nname = "m"\ntargets = ["a/x"]\non_refusal = ["a/y", "a/y"]`,
    'clewline.toml:10:22 models[0].on_refusal[1] = "a/y": is named twice; name each target once',
  ],
  [
    "a detour that is no list",
    `${UPSTREAM}[[models]]\nname = "m"\ntargets = ["a/x"]\non_overflow = "a/y"`,
    'clewline.toml:10:15 models[0].on_overflow = "a/y": must be a list; write the value as in ["one", "two"]',
  ],
  [
    "a CIDR that is none",
    '[server]\ntrusted_proxies = ["10.0.0.0/33"]',
    'clewline.toml:2:20 server.trusted_proxies[0] = "10.0.0.0/33": is not an address or CIDR; write the value as in "10.0.0.0/8" or "fd00::1"',
  ],
  [
    "a host with a port",
    '[server]\nhosts = ["a.example:80"]',
    'clewline.toml:2:10 server.hosts[0] = "a.example:80": is not a host name or address; write the host without scheme, port and path, as in "gateway.example.com"',
  ],
  [
    "an address that is none",
    '[server]\nhost = "300.0.0.1"',
    'clewline.toml:2:8 server.host = "300.0.0.1": is not a host name or address; write the host without scheme, port and path, as in "gateway.example.com"',
  ],
  [
    "an origin with a path",
    '[server]\ncors_origins = ["https://a.example/"]',
    'clewline.toml:2:17 server.cors_origins[0] = "https://a.example/": is not an origin; write the value as in "https://app.example.com", or "*"',
  ],
  [
    "a base path with a slash at its end",
    '[server]\nbase_path = "/x/"',
    'clewline.toml:2:13 server.base_path = "/x/": is not a path prefix; begin with / and end without one, as in "/llm"',
  ],
  [
    "metrics on the main port",
    "[metrics]\nport = 8484",
    "clewline.toml:2:8 metrics.port = 8484: is also server.port; give metrics another port, or remove the line",
  ],
  [
    "TLS without its key",
    '[server.tls]\ncert_file = "clewline.toml"',
    'clewline.toml:1:1 server.tls.key_file: is missing; add key_file = "…"',
  ],
  [
    "TLS files that are not there",
    '[server.tls]\ncert_file = "clewline.toml"\nkey_file = "no.pem"',
    'clewline.toml:3:12 server.tls.key_file = "no.pem": the file cannot be read (ENOENT); check the path and the permissions',
  ],
  [
    "a variable that is not set",
    UPSTREAM.replace("secret-one", "env:NO_SUCH_KEY"),
    'clewline.toml:6:11 upstreams[0].credentials[0].api_key = "env:NO_SUCH_KEY": the environment variable NO_SUCH_KEY is not set; set the variable where Clewline starts',
  ],
  [
    "a reference to no variable",
    UPSTREAM.replace("secret-one", "env:NO SUCH"),
    'clewline.toml:6:11 upstreams[0].credentials[0].api_key = "env:NO SUCH": the text after env: is not the name of a variable; write the value as in "env:ANTHROPIC_API_KEY"',
  ],
  [
    "a secret's file that is not there",
    UPSTREAM.replace("secret-one", "file:none"),
    'clewline.toml:6:11 upstreams[0].credentials[0].api_key = "file:none": the file cannot be read (ENOENT); check the path and the permissions',
  ],
  [
    "a secret's file that is a folder",
    UPSTREAM.replace("secret-one", "file:."),
    'clewline.toml:6:11 upstreams[0].credentials[0].api_key = "file:.": this is not a file; name a file that contains the secret alone',
  ],
  [
    "a key that no header carries",
    KEY.replace("client-key", "two words"),
    "clewline.toml:3:7 keys[0].key = (hidden): contains characters that no header can carry; use printable ASCII without spaces",
  ],
  [
    "a hash that was cut off",
    '[admin]\npassword = "$argon2id$v=19$m=65536"',
    "clewline.toml:2:12 admin.password = (hidden): is not a whole argon2id hash, or one that costs too much; copy the whole hash, or write the password itself, which Clewline replaces by its hash",
  ],
  [
    "an empty key",
    KEY.replace("client-key", ""),
    "clewline.toml:3:7 keys[0].key = (hidden): is empty; give the key a value or remove the line",
  ],
  [
    "text without quotes",
    "[log]\nlevel = debug",
    'clewline.toml:2:9: this is not a value; put text in quotes: key = "text"',
  ],
  [
    "a key twice",
    "[log]\nlevel = 'debug'\nlevel = 'info'",
    "clewline.toml:3:1: the key or table is there twice; keep one of the two",
  ],
  [
    "text that is not closed",
    '[log]\nlevel = "debug\n',
    "clewline.toml:2:15: the text is not closed; add the closing quote",
  ],
  [
    "a header that is not closed",
    "[log\nlevel = 1",
    "clewline.toml:1:5: a bracket is not closed; add the closing bracket",
  ],
  [
    "a backslash",
    '[server]\ndata_dir = "C:\\data"',
    "clewline.toml:2:16: \\ begins an escape that TOML does not know; write \\\\ for a backslash, or use 'single quotes'",
  ],
  [
    "YAML",
    "server:\n  port: 1",
    'clewline.toml:1:7: this is not a key with its value; write key = "value", and [table] above it',
  ],
];

describe("a bad file", () => {
  for (const [what, file, said] of BAD) {
    test(what, async () => {
      expect((await problemsOf(file)).trimEnd()).toBe(said);
    });
  }

  test("is told of all its problems at once, in the order of the file", async () => {
    const text = await problemsOf(
      `[server]\nport = 0.5\nextra = 1\n[[models]]\nname = "m"\ntargets = ["none/x"]\n${UPSTREAM.replace("secret-one", "env:NOPE")}`,
    );
    expect(text.split("\n").map((line) => /:(\d+):/.exec(line)?.[1] ?? "")).toEqual([
      "2",
      "3",
      "6",
      "12",
      "",
    ]);
  });

  test("is one that is not UTF-8, too large, or not a file", async () => {
    const file = join(cwd, "odd.toml");
    const said = async (): Promise<string> => {
      const error = await loadConfig({ file, env: {}, flags: {}, cwd }).catch((cause: unknown) => cause);
      return (error as ConfigError).message;
    };
    await writeFile(file, new Uint8Array([0xff, 0xfe, 0x41]));
    expect(await said()).toBe("odd.toml: the file is not UTF-8; save the file as UTF-8");
    await writeFile(file, "#".repeat(5_000_000));
    expect(await said()).toBe("odd.toml: the file is larger than 4 MiB; is it the right one?");
    await rm(file);
    expect(await said()).toBe(
      "odd.toml: the file cannot be read (ENOENT); check the path and the permissions",
    );
    // A pipe without a writer would keep the reading, and with it every later reload, waiting.
    const notAFile = "odd.toml: this is not a file; name a file: Clewline reads it again when it changes";
    Bun.spawnSync(["mkfifo", file]);
    expect(await said()).toBe(notAFile);
    await rm(file);
    await mkdir(file);
    expect(await said()).toBe(notAFile);
  });
});

describe("doubts that do not stop it", () => {
  test("secrets in a file that everybody can read", async () => {
    const file = join(cwd, "open.toml");
    await writeFile(file, UPSTREAM + KEY);
    await chmod(file, 0o644);
    const { warnings } = await loadConfig({ file, env: {}, flags: {}, cwd });
    expect(renderProblems(warnings)).toBe(
      "open.toml: the file contains secrets, and everybody on this machine can read it; make the file private: chmod 600 open.toml\n",
    );
    await writeFile(file, (UPSTREAM + KEY).replaceAll(/"(secret-one|client-key)"/g, '"env:K"'));
    const other = await loadConfig({ file, env: { K: "k" }, flags: {}, cwd });
    expect(other.warnings).toEqual([]);
  });

  test("an admin without a password", async () => {
    const { config, warnings } = await load(`[admin]\n${UPSTREAM}${KEY}`);
    expect(config.admin).toBeNull();
    expect(renderProblems(warnings)).toStartWith(
      "clewline.toml:1:1 admin: has no password, so the admin is off",
    );
  });
});

describe("the file is", () => {
  test("the named one, else the variable's, else the working folder's, else the user's", async () => {
    const home = await mkdtemp(join(cwd, "home-"));
    const work = await mkdtemp(join(cwd, "work-"));
    const env = { HOME: home, XDG_CONFIG_HOME: join(home, "xdg") };
    expect(findConfigFile({}, env, work)).toBeNull();
    const user = join(home, "xdg", "clewline", "clewline.toml");
    await mkdir(join(home, "xdg", "clewline"), { recursive: true });
    await writeFile(user, "");
    expect(findConfigFile({}, env, work)).toBe(user);
    await symlink(user, join(work, "clewline.toml"));
    expect(findConfigFile({}, env, work)).toBe(join(work, "clewline.toml"));
    await writeFile(join(work, "other.toml"), "");
    expect(findConfigFile({}, { ...env, CLEWLINE_CONFIG: "other.toml" }, work)).toBe(
      join(work, "other.toml"),
    );
    expect(findConfigFile({ config: user }, { ...env, CLEWLINE_CONFIG: "other.toml" }, work)).toBe(user);
  });

  test("never silently another one than was named", () => {
    expect(() => findConfigFile({ config: "no.toml" }, {}, cwd)).toThrow(
      '--config = "no.toml": there is no such file; check the path',
    );
    expect(() => findConfigFile({}, { CLEWLINE_CONFIG: "no.toml" }, cwd)).toThrow("CLEWLINE_CONFIG");
  });
});

function sha(text: string): string {
  return new Bun.CryptoHasher("sha256").update(text).digest("hex");
}
