import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeIds } from "../core/ids.ts";
import { silentLog } from "../core/log.ts";
import { openStore, openStoreReader } from "../ledger/store-file.ts";
import type { PersistedState } from "../pool/credential.ts";
import { makePool } from "../pool/pool.ts";
import { fingerprintOf } from "../snapshot.ts";
import { makeRoomStore } from "../store/credential-rooms.ts";
import { makeStateStore, readCredentialStates } from "../store/state.ts";
import type { CliIo } from "./cli.ts";
import { credentials } from "./credentials.ts";

const NOW = Date.parse("2026-11-23T10:00:00Z");
const CONFIG = `
[server]
data_dir = "data"
[[keys]]
name = "me"
key = "client-secret"
[[upstreams]]
name = "openai"
family = "openai"
[[upstreams.credentials]]
name = "main"
api_key = "sk-main-secret"
[[upstreams.credentials]]
name = "spare"
api_key = "sk-spare-secret"
priority = 1
`;

let dir = "";
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "clewline-credentials-"));
  writeFileSync(join(dir, "clewline.toml"), CONFIG, { mode: 0o600 });
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

async function run(...args: string[]) {
  const said = { out: "", err: "" };
  const io: CliIo = {
    out(text) {
      said.out += text;
    },
    err(text) {
      said.err += text;
    },
    env: {},
    cwd: dir,
    clock: { nowMs: () => NOW, monotonicMs: () => performance.now() },
    ids: makeIds(),
    stopped: new Promise(() => {}),
    onReload() {},
    memory: { residentBytes: () => 0, cpuMs: () => 0, collect: () => undefined, collectAll: () => undefined },
    program: "clewline",
    isTty: false,
  };
  return { code: await credentials(args, io), ...said };
}

function park(credential: string, more: Partial<PersistedState>): PersistedState {
  const fingerprint = fingerprintOf(`sk-${credential}-secret`);
  const facts = { state: "cooling", reason: "rate limited", untilMs: NOW + 90_000, sinceMs: NOW, strikes: 1 };
  return { upstream: "openai", credential, model: null, fingerprint, ...facts, ...more };
}

function keep(...states: PersistedState[]): void {
  const store = makeStateStore({ open: () => openStore(join(dir, "data")), log: silentLog });
  store.saveCredentialStates(states);
  store.close();
}

test("lists each credential with state, time left and reason, and its parked models", async () => {
  keep(
    park("main", { state: "exhausted", reason: "confirmed: no credit", untilMs: null }),
    park("spare", { model: "gpt-5" }),
    park("spare", {
      model: "o3",
      state: "forbidden",
      reason: "no such model",
      untilMs: NOW + 3 * 86_400_000,
    }),
  );
  const { code, out, err } = await run();
  expect({ code, err }).toEqual({ code: 0, err: "" });
  expect(out).toBe(
    [
      "CREDENTIAL   STATE      LEFT REASON",
      "openai/main  exhausted     - confirmed: no credit (until a person acts)",
      "openai/spare ready",
      "  gpt-5      cooling   90.0s rate limited",
      "  o3         forbidden  3d0h no such model",
      "",
    ].join("\n"),
  );
});

test("what one client key alone has met is shown with that key", async () => {
  keep(
    park("main", { reason: "unconfirmed: the key was refused", clientKey: "ann" }),
    park("spare", { model: "o3", state: "forbidden", reason: "no such model", clientKey: "ben" }),
  );
  const { out } = await run();
  expect(out).toContain("openai/main  cooling   90.0s for the key ann: unconfirmed: the key was refused\n");
  expect(out).toContain("  o3         forbidden 90.0s for the key ben: no such model\n");
  const [main, spare] = (await run("--json")).out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect([main.key, spare.key, spare.models[0].key]).toEqual(["ann", undefined, "ben"]);
});

test("what a provider said to one request is shown as unconfirmed, with the time until it is asked again", async () => {
  keep(
    park("main", { state: "exhausted", reason: "unconfirmed: no balance" }),
    park("spare", { reason: "unconfirmed: the key was refused", untilMs: NOW + 30_000 }),
  );
  const { out } = await run();
  expect(out).toContain("openai/main  exhausted 90.0s unconfirmed: no balance\n");
  expect(out).toContain("openai/spare cooling   30.0s unconfirmed: the key was refused\n");
});

test("with --json, one object a line, in ISO times and milliseconds", async () => {
  keep(park("main", {}), park("spare", { state: "ready", reason: "", untilMs: null, strikes: 0 }));
  const { out } = await run("--json");
  const lines = out.trimEnd().split("\n");
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    {
      upstream: "openai",
      name: "main",
      priority: 0,
      state: "cooling",
      reason: "rate limited",
      until: "2026-11-23T10:01:30.000Z",
      left_ms: 90_000,
      since: "2026-11-23T10:00:00.000Z",
      strikes: 1,
      models: [],
      account: null,
      room: [],
      limits: [],
    },
    {
      upstream: "openai",
      name: "spare",
      priority: 1,
      state: "ready",
      reason: null,
      until: null,
      left_ms: null,
      since: null,
      strikes: 0,
      models: [],
      account: null,
      room: [],
      limits: [],
    },
  ]);
});

test("before the first start no key is in use, and the reason is told", async () => {
  const { code, out, err } = await run();
  expect(code).toBe(0);
  expect(out).toContain("openai/main  new        no gateway uses this key yet\n");
  expect(err).toContain("there is no database");
});

test("no secret is shown, and a control character of a reason does nothing to the terminal", async () => {
  keep(park("main", { reason: "\u001b[31mred" }));
  const shown = [await run(), await run("--json"), await run("reset", "openai/nobody")];
  for (const { out, err } of shown) {
    expect(out + err).not.toContain("secret");
    expect(out + err).not.toContain("\u001b");
  }
});

test("a key is not ready as long as the last gateway had another one, whose park is not the new key's", async () => {
  keep(
    park("main", { state: "invalid", fingerprint: fingerprintOf("an older key") }),
    // A model's park of the configured key, from before the other key was there.
    park("main", { model: "gpt-5" }),
  );
  const { out } = await run();
  expect(out).toContain("openai/main  new");
  expect(out).toContain("no gateway uses this key yet (the one before: invalid)");
  const [line] = (await run("--json")).out.split("\n");
  expect(JSON.parse(line ?? "")).toMatchObject({ state: "new", until: null, since: null });
  const reset = await run("reset", "openai/spare");
  expect(reset.out).toContain("has a key that no gateway uses yet, so there is nothing to reset");
});

test("a reset is kept, and reaches a running pool that takes it over", async () => {
  keep(
    park("main", { state: "exhausted", reason: "confirmed: no credit", untilMs: null, sinceMs: NOW - 5_000 }),
    park("main", { model: "gpt-5", sinceMs: NOW - 5_000 }),
    park("spare", {}),
  );
  const stored = () => {
    const sql = openStoreReader(join(dir, "data"));
    const rows = readCredentialStates(sql);
    sql.close();
    return rows;
  };
  const spec = { upstream: "openai", priority: 0, scope: "model" } as const;
  const running = makePool({
    specs: ["main", "spare"].map((name) => ({
      ...spec,
      id: `openai/${name}`,
      name,
      fingerprint: fingerprintOf(`sk-${name}-secret`),
    })),
    clock: { nowMs: () => NOW, monotonicMs: () => 0 },
    log: silentLog,
    restore: stored(),
    persist() {},
  });
  const file = join(dir, "clewline.toml");
  utimesSync(file, new Date(NOW - 60_000), new Date(NOW - 60_000));

  const { code, out, err } = await run("reset", "openai/main");
  expect({ code, err }).toEqual({ code: 0, err: "" });
  expect(out).toBe(
    "openai/main is ready again (was exhausted: confirmed: no credit)\nA running gateway takes this over within a second.\n",
  );
  // The gateway watches its configuration, and reads the states with it.
  expect(statSync(file).mtimeMs).toBe(NOW);
  running.adopt(stored());
  expect(running.list().map(({ id, state, models }) => [id, state, models.length])).toEqual([
    ["openai/main", "ready", 0],
    ["openai/spare", "cooling", 0],
  ]);
  const after = (await run()).out;
  expect(after).toContain("openai/main  ready");
  expect(after).not.toContain("gpt-5");
  expect((await run("reset", "openai/main")).out).toBe(
    "openai/main is ready; what was known of its limits is forgotten\nA running gateway takes this over within a second.\n",
  );
});

test("with --data-dir no configuration is needed", async () => {
  keep(park("main", {}));
  rmSync(join(dir, "clewline.toml"));
  expect((await run("--data-dir", "data")).out).toContain("openai/main cooling 90.0s rate limited");
  const { out } = await run("reset", "openai/main", "--data-dir", "data");
  expect(out).toContain("A running gateway takes this over when it gets a SIGHUP");
  expect((await run("--data-dir", "data")).out).toContain("openai/main ready");
});

test.each([
  [["--colour"], 2, "--colour"],
  [["show"], 2, "unknown argument show"],
  [["reset"], 2, "needs the names of credentials"],
  [["reset", "openai/mian"], 1, 'there is no credential "openai/mian"; did you mean "openai/main"?'],
  [["reset", "nothing-like-it-at-all"], 1, "there are: openai/main, openai/spare"],
  [["--config", "missing.toml"], 78, "there is no such file"],
])("%j is refused with what to do", async (args, code, text) => {
  const result = await run(...args);
  expect(result.code).toBe(code);
  expect(result.err).toContain(text);
  expect(result.out).toBe("");
});

test("--help explains itself", async () => {
  const { code, out } = await run("--help");
  expect(code).toBe(0);
  expect(out).toContain("clewline credentials reset UPSTREAM/NAME..");
});

test("what is left of limits is told, as a gateway wrote it down", async () => {
  const facts = {
    owner: "org-acme",
    quotas: [
      {
        model: "gpt-5",
        dimension: "tokens",
        span: "minute",
        limit: 30_000,
        remaining: 12_000,
        resetsAtMs: NOW + 36_000,
        isGradual: true,
        isReserved: true,
      },
    ],
    limits: [
      { limit: "requests_per_minute", value: 60, remaining: 40 },
      { limit: "budget_day", value: 5_000_000_000, remaining: 3_250_000_000 },
    ],
  };
  const store = makeRoomStore(() => openStore(join(dir, "data")));
  const fingerprint = fingerprintOf("sk-main-secret");
  store.save([
    { upstream: "openai", credential: "main", fingerprint, atMs: NOW, facts: JSON.stringify(facts) },
  ]);
  store.close();
  const { out } = await run();
  const lines = out.split("\n").map((line) => line.replaceAll(/ +/g, " ").trim());
  expect(lines).toContain("account org-acme");
  expect(lines).toContain("own limits room 40 of 60 requests_per_minute; $3.25 of $5.00 today");
  expect(lines).toContain("gpt-5 room 36.0s 12000 of 30000 tokens a minute");
  const [main] = (await run("--json")).out.split("\n").map((line) => JSON.parse(line || "null"));
  expect(main).toMatchObject({
    account: "org-acme",
    room: [{ model: "gpt-5", dimension: "tokens", span: "minute", limit: 30_000, remaining: 12_000 }],
    limits: facts.limits,
  });
});
