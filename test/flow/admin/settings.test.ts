import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { type Gateway, startGateway } from "../../kit/gateway.ts";
import { ADMIN_TOML, type AdminClient, PASSWORD, signIn } from "./admin-client.ts";

/** Planted, so that each can be looked for wherever the gateway writes. */
const SECRETS = [
  "sk-ant-planted-0123456789-alpha",
  "sk-ant-planted-0123456789-bravo",
  "clew-planted-0123456789-charlie",
  "sk-ant-planted-0123456789-delta",
  "sk-proj-planted-0123456789-echo",
];
const [ALPHA, BRAVO, CHARLIE, DELTA, ECHO] = SECRETS as [string, string, string, string, string];

const TOML = `${ADMIN_TOML}
# All that is ours.
[[upstreams]]
name = "anthropic" # the account of the company
family = "anthropic"

# Alice, old key ${BRAVO}
[[upstreams.credentials]]
name = "alice"
api_key = "${ALPHA}" # until May
priority = 1

[[upstreams.credentials]]
name = "bob"
api_key = "env:BOB"

# The clients
[[keys]]
name = "ci" # robots
key = "${CHARLIE}"

[limits]
unpriced = "refuse" # dear
`;

let gateway: Gateway;
let alice: AdminClient;
let bert: AdminClient;
/** Every reply, for a look at the end. */
let said = "";

const recorded =
  (client: AdminClient): AdminClient =>
  async (...call) => {
    const reply = await client(...call);
    said += `${reply.text}\n`;
    return reply;
  };
const file = (): string => readFileSync(gateway.configFile, "utf8");
const version = async (client = alice): Promise<string> => (await client("GET", "/settings")).body.version;
const change = async (path: string, value?: unknown) =>
  await alice("POST", "/settings", { version: await version(), changes: [{ path, value }] });

beforeAll(async () => {
  gateway = await startGateway({ toml: TOML, env: { BOB: BRAVO } });
  alice = recorded(await signIn(gateway));
  bert = recorded(await signIn(gateway));
});
afterAll(async () => {
  await gateway.close();
});

test("every key of the schema is told with its meaning, and every value with its source; no secret is", async () => {
  const { body } = await alice("GET", "/settings");
  const values = new Map(body.values.map((one: { path: string }) => [one.path, one]));
  expect(values.get("upstreams[0].credentials[0].api_key")).toEqual({
    path: "upstreams[0].credentials[0].api_key",
    value: null,
    secret: { source: "file", lastFour: "lpha" },
    origin: "file",
    lockedReason: null,
  });
  expect(values.get("upstreams[0].credentials[1].api_key")).toMatchObject({
    value: null,
    secret: { source: "env:BOB", lastFour: null },
    lockedReason: "the secret is in a variable of the environment",
  });
  expect(values.get("limits.unpriced")).toMatchObject({ value: "refuse", origin: "file" });
  expect(values.get("cache.memory_bytes")).toMatchObject({ origin: "default", lockedReason: null });
  const keys = new Map(body.keys.map((one: { key: string }) => [one.key, one]));
  expect(keys.get("server.port")).toMatchObject({
    kind: "number",
    default: 8484,
    appliesAt: "start",
    table: "server",
  });
  expect(keys.get("upstreams[].family")).toMatchObject({
    kind: "choice",
    options: ["anthropic", "gemini", "openai", "vertex"],
  });
  expect(body.tables.map((one: { table: string }) => one.table)).toContain("upstreams[].credentials[]");
  expect(body.lockedReason).toBeNull();
});

test("a change is written with its comment, in force at once, and undone with one call", async () => {
  const before = file();
  const made = await change("limits.unpriced", "allow");
  expect(made.status).toBe(200);
  expect(made.body.differences).toEqual([{ path: "limits.unpriced", before: '"refuse"', after: '"allow"' }]);
  expect(file()).toBe(before.replace('unpriced = "refuse"', 'unpriced = "allow"'));
  expect(gateway.log()).toContain("the configuration was taken over");
  const undone = await alice("POST", `/audit/${made.body.auditId}/undo`);
  expect(undone.status).toBe(200);
  expect(file()).toBe(before);
  const { body } = await alice("GET", "/audit");
  expect(body.entries[0]).toMatchObject({ what: "undo", who: "password", undoneBy: null });
  expect(body.entries[1]).toMatchObject({
    what: "changeSettings",
    undoneBy: undone.body.auditId,
    undoUntilMs: 0,
  });
  expect((await alice("POST", `/audit/${made.body.auditId}/undo`)).status).toBe(409);
});

test("a change of what is read at the start says so", async () => {
  const made = await change("ledger.queue_rows", 5_000);
  expect(made.body.atNextStart).toEqual(["ledger.queue_rows"]);
  await alice("POST", `/audit/${made.body.auditId}/undo`);
  expect(file()).not.toContain("queue_rows");
});

test("a wrong value is refused at its field, as the start would refuse it, and nothing is written", async () => {
  const before = file();
  const preview = await alice("POST", "/settings/preview", {
    version: await version(),
    changes: [
      { path: "server.port", value: 99_999 },
      { path: "upstreams[0].family", value: "antropic" },
      { path: "server.nothing", value: 1 },
    ],
  });
  expect(preview.status).toBe(200);
  const paths = preview.body.problems.map((one: { path: string }) => one.path);
  expect(paths.toSorted()).toEqual(["server.nothing", "server.port", "upstreams[0].family"]);
  const refused = await change("limits.assumed_output_tokens", -1);
  expect(refused.status).toBe(422);
  expect(refused.body.error.path).toBe("limits.assumed_output_tokens");
  for (const [path, value] of [
    ["nonsense[", 1],
    ["keys[7].name", "x"],
    ["", 1],
    ["limits.unpriced", "\ud800"],
  ] as const)
    expect([path, (await change(path, value)).status >= 400]).toEqual([path, true]);
  expect(file()).toBe(before);
});

test("two people who change different settings both succeed, and the second is told of the merge", async () => {
  const base = await version();
  const one = await alice("POST", "/settings", {
    version: base,
    changes: [{ path: "media.fetch", value: true }],
  });
  const other = await bert("POST", "/settings", {
    version: base,
    changes: [{ path: "keys[0].report", value: true }],
  });
  expect([one.status, other.status, other.body.isMerged]).toEqual([200, 200, true]);
  expect(file()).toContain("fetch = true");
  expect(file()).toContain("report = true");
});

test("two people who change the same setting: the second gets both values, and nothing is lost", async () => {
  const base = await version();
  const changes = (value: number) => ({
    version: base,
    changes: [{ path: "upstreams[0].credentials[0].priority", value }],
  });
  expect((await alice("POST", "/settings", changes(2))).status).toBe(200);
  const clash = await bert("POST", "/settings", changes(3));
  expect(clash.status).toBe(409);
  expect(clash.body.error.clashes).toEqual([
    { path: "upstreams[anthropic].credentials[alice].priority", base: "1", theirs: "2", mine: "3" },
  ]);
  expect(clash.body.error.version).toBe(await version());
  expect(file()).toContain("priority = 2");
});

test("a change on disk since the page was read is a change of another person", async () => {
  const base = await version();
  writeFileSync(gateway.configFile, file().replace('name = "ci"', 'name = "ci-2"'));
  const away = await alice("POST", "/settings", {
    version: base,
    changes: [{ path: "keys[0].strict", value: true }],
  });
  expect(away.status).toBe(409);
  expect(away.body.error.clashes.map((one: { path: string }) => one.path)).toContain("keys[ci]");
  const elsewhere = await alice("POST", "/settings", {
    version: base,
    changes: [{ path: "pool.max_wait_s", value: 9 }],
  });
  expect(elsewhere.status).toBe(200);
  expect(file()).toContain('name = "ci-2"');
  expect(
    (await alice("POST", "/settings", { version: "0".repeat(32), changes: [{ path: "pool.max_wait_s" }] }))
      .status,
  ).toBe(409);
});

test("twenty changes at the same moment of one base lose nothing", async () => {
  const base = await version();
  const paths = ["connect_timeout_ms", "first_byte_timeout_ms", "idle_timeout_ms"];
  const replies = await Promise.all(
    Array.from({ length: 20 }, (_, index) =>
      (index % 2 === 0 ? alice : bert)("POST", "/settings", {
        version: base,
        changes: [{ path: `upstreams[0].${paths[index % 3]}`, value: 1_000 + index }],
      }),
    ),
  );
  const good = replies.flatMap(({ status }, index) => (status === 200 ? [index] : []));
  expect(good.length).toBe(3);
  for (const index of good) expect(file()).toContain(`${paths[index % 3]} = ${1_000 + index}`);
});

test("many credentials are added with a result a line, and duplicates, wrong shapes and providers are told", async () => {
  const added = await alice("POST", "/credentials", {
    upstream: "anthropic",
    lines: `${DELTA}\n\ncarol ${DELTA}\n${ALPHA}\n${ECHO}\nshort\nenv:HOME_OF_SECRETS\n`,
  });
  expect(added.status).toBe(200);
  expect(
    added.body.results.map((one: { line: number; problem: string | null }) => [one.line, one.problem]),
  ).toEqual([
    [1, null],
    [3, "duplicate"],
    [4, "duplicate"],
    [5, "provider"],
    [6, "shape"],
    [7, "shape"],
  ]);
  expect(added.body.results[0].id).toBe("anthropic/key-3");
  expect(file()).toContain(DELTA);
  expect((await gateway.command("credentials", "--json", "--config", gateway.configFile)).out).toContain(
    "key-3",
  );
});

test("a key whose form tells its provider makes the upstream that is missing", async () => {
  const added = await alice("POST", "/credentials", { lines: `work = ${ECHO}` });
  expect(added.body.results).toEqual([
    { line: 1, isAdded: true, problem: null, id: "openai/work", message: "" },
  ]);
  expect(file()).toContain('[[upstreams]]\nname = "openai"\nfamily = "openai"\n');
  const unknown = await alice("POST", "/credentials", { lines: "sk-0123456789012345678901234567" });
  expect(unknown.body.results[0].problem).toBe("unknown-provider");
});

test("a removed credential comes back with its secret and its comments", async () => {
  const before = file();
  const removed = await alice("DELETE", "/credentials/anthropic/alice");
  expect(removed.status).toBe(200);
  expect(file()).not.toContain(ALPHA);
  expect((await alice("POST", `/audit/${removed.body.undo.auditId}/undo`)).status).toBe(200);
  expect(file()).toBe(before);
  expect((await alice("DELETE", "/credentials/anthropic/nobody")).status).toBe(404);
});

test("what others changed since stays when a removal is undone, and what they changed in it is not lost", async () => {
  const removed = await alice("DELETE", "/credentials/anthropic/alice");
  expect(
    (
      await bert("POST", "/settings", {
        version: await version(bert),
        changes: [{ path: "media.fetch_timeout_ms", value: 777 }],
      })
    ).status,
  ).toBe(200);
  expect((await alice("POST", `/audit/${removed.body.undo.auditId}/undo`)).status).toBe(200);
  expect(file()).toContain(
    `# Alice, old key ${BRAVO}\n[[upstreams.credentials]]\nname = "alice"\napi_key = "${ALPHA}" # until May\n`,
  );
  expect(file()).toContain("fetch_timeout_ms = 777\n");
  const made = await change("pool.max_wait_s", 7);
  await change("pool.max_wait_s", 8);
  const late = await alice("POST", `/audit/${made.body.auditId}/undo`);
  expect([late.status, late.body.error.clashes[0].path]).toEqual([409, "pool.max_wait_s"]);
});

test("values from the environment are locked, and no reference can be set", async () => {
  for (const [path, value, status] of [
    ["upstreams[0].credentials[1].api_key", "sk-ant-0123456789012345", 403],
    ["upstreams[0].credentials[0].api_key", "file:/etc/shadow", 422],
    ["alerts.webhook", "env:HOME", 422],
    // A server of one's own would get the key of the variable.
    ["upstreams[0].base_url", "https://evil.example/v1", 422],
    ["upstreams[0].base_url", "http://169.254.169.254/", 422],
    ["admin.allow_private", true, 422],
  ] as const)
    expect([path, (await change(path, value)).status]).toEqual([path, status]);
  const added = await alice("POST", "/settings", {
    version: await version(),
    changes: [{ path: "keys", add: { name: "thief", key: "file:/etc/passwd" } }],
  });
  expect(added.status).toBe(422);
});

test("an export has no secret, and its import gives the same file; with a passphrase it has them, encrypted", async () => {
  const plain = await alice("POST", "/settings/export", {});
  expect(plain.body.text).toContain("# All that is ours.");
  const before = file();
  const same = await alice("POST", "/settings/import", {
    version: await version(),
    text: plain.body.text,
    isTrial: true,
  });
  expect([same.status, same.body.differences]).toEqual([200, []]);
  const sealed = await alice("POST", "/settings/export", {
    passphrase: "a long passphrase",
    currentPassword: PASSWORD,
  });
  expect([sealed.status, sealed.text.includes("scrypt")]).toEqual([200, true]);
  const changed = await change("media.fetch", false);
  expect(changed.status).toBe(200);
  const wrong = await alice("POST", "/settings/import", {
    version: await version(),
    text: sealed.body.text,
    passphrase: "another phrase",
  });
  expect([wrong.status, wrong.body.error.message]).toEqual([422, "the passphrase does not open this export"]);
  const back = await alice("POST", "/settings/import", {
    version: await version(),
    text: sealed.body.text,
    passphrase: "a long passphrase",
  });
  expect(back.body.differences).toEqual([{ path: "media.fetch", before: "false", after: "true" }]);
  expect(file()).toBe(before);
});

test("another password is kept as a hash, and ends the sessions", async () => {
  expect((await change("admin.password", "another horse battery")).status).toBe(403);
  const made = await alice("POST", "/settings", {
    version: await version(),
    changes: [{ path: "admin.password", value: "another horse battery" }],
    currentPassword: PASSWORD,
  });
  expect(made.status).toBe(200);
  expect(file()).toContain('password = "$argon2id$');
  expect(file()).not.toContain("another horse");
  expect((await alice("GET", "/settings")).status).toBe(401);
  expect((await bert("GET", "/settings")).status).toBe(401);
});

test("no secret was in a reply, in the record, or in the log", () => {
  const ledger = readFileSync(`${gateway.folder}/data/ledger.db`, "latin1");
  for (const secret of [...SECRETS, "another horse battery"]) {
    expect(said).not.toContain(secret);
    expect(gateway.log()).not.toContain(secret);
    expect(ledger).not.toContain(secret);
  }
});
