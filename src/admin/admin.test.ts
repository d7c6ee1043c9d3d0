// Who may enter on every operation, and whether each does what the contract says. Both follow from the table.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import * as v from "valibot";
import type { Operation } from "./contract/operation.ts";
import { OPERATIONS, type OperationName } from "./contract.ts";
import { AdminUnderTest, PLANTED } from "./fixtures/admin-under-test.ts";

const ALL = Object.entries(OPERATIONS) as [OperationName, Operation][];

/** For each operation a call that it takes: the values of its path, and its body. An operation without one does not compile. */
const SAMPLES: Record<
  OperationName,
  { readonly path?: string; readonly body?: unknown; readonly status?: number }
> = {
  getSession: {},
  signIn: { body: { password: PLANTED.password } },
  signOut: {},
  signOutAll: {},
  getOverview: {},
  getAttention: {},
  listCredentials: {},
  // The gateway under test has no file: test/admin has those that change one.
  addCredentials: { body: { upstream: "up", lines: "sk-new" }, status: 403 },
  useSimulator: { status: 403 },
  removeCredential: { path: "credentials/up/main", status: 403 },
  testCredential: { path: "credentials/up/main/test", body: {} },
  pauseCredential: { path: "credentials/up/main/pause" },
  drainCredential: { path: "credentials/up/main/drain" },
  enableCredential: { path: "credentials/up/main/enable" },
  resetCredential: { path: "credentials/up/main/reset" },
  listRequests: {},
  getRequest: { path: "requests/01M8", status: 404 },
  getCaptureState: {},
  deleteCaptures: {},
  getCapture: { path: "requests/01M8/capture", status: 404 },
  deleteCapture: { path: "requests/01M8/capture", status: 404 },
  listKeys: {},
  getKey: { path: "keys/ci" },
  createKey: { body: { name: "new", settings: { models: ["a-*"] } } },
  changeKey: { path: "keys/ci", body: { settings: { concurrency: 3 } } },
  rotateKey: { path: "keys/ci/rotate", body: {} },
  revokeKeys: { body: { names: ["gone"] } },
  pauseKeys: { body: { names: ["ci"] } },
  resumeKeys: { body: { names: ["ci"] } },
  listModels: {},
  getNetwork: {},
  examine: { path: "doctor", body: { upstream: "up" } },
  explain: { body: { path: "/v1/messages", body: {} } },
  getSettings: {},
  previewSettings: { body: { version: "1", changes: [{ path: "log.level" }] }, status: 403 },
  changeSettings: { body: { version: "1", changes: [{ path: "log.level" }] }, status: 403 },
  exportSettings: { body: {}, status: 503 },
  importSettings: { body: { version: "1", text: "x" }, status: 503 },
  listAlertChannels: {},
  testAlertChannel: { path: "alerts/channels/ops/test", status: 404 },
  listAudit: {},
  undo: { path: "audit/1/undo", status: 404 },
  live: {},
  try: { body: { path: "/v1/messages", body: {} } },
  getOpenApi: {},
};

const pathOf = (name: OperationName, { path }: Operation): string => SAMPLES[name].path ?? path.slice(1);

describe("who may enter", () => {
  let under: AdminUnderTest;
  beforeAll(() => {
    under = new AdminUnderTest();
  });
  afterAll(() => under.close());

  const ask = (name: OperationName, operation: Operation, headers: Record<string, string>) => {
    const { body } = SAMPLES[name];
    return under.call(pathOf(name, operation), { method: operation.method, headers, body });
  };

  for (const [name, operation] of ALL) {
    if (operation.who === "anyone") continue;
    test(`${name}: nobody without a session, with a client's key or with a session that is none`, async () => {
      const strangers: Record<string, string>[] = [
        {},
        { authorization: "Bearer clw-client-key-0123456789" },
        { authorization: "Bearer clew-admin-0000" },
        { authorization: "Bearer hash of planted-password-5d1c" },
        { "x-api-key": "clw-client-key-0123456789" },
        { cookie: "clewline_admin=0000" },
        { cookie: "clewline_admin=" },
        { cookie: "__Host-clewline_admin=0000" },
      ];
      for (const headers of strangers) expect((await ask(name, operation, headers)).status).toBe(401);
    });
    if (operation.who === "signed-in") continue;
    test(`${name}: no session without its own CSRF value`, async () => {
      const { cookie, ...csrf } = await under.browser();
      const other = await under.browser();
      under.nowMs += 3_600_000;
      for (const headers of [{}, { "x-clewline-csrf": "" }, { "x-clewline-csrf": other["x-clewline-csrf"] }])
        expect((await ask(name, operation, { cookie, ...headers })).status).toBe(403);
      expect(csrf["x-clewline-csrf"]).toHaveLength(64);
    });
  }
});

describe("each operation", () => {
  let under: AdminUnderTest;
  beforeAll(() => {
    under = new AdminUnderTest();
  });
  afterAll(() => under.close());

  const prepare = async (): Promise<Record<string, string>> => {
    under.nowMs += 3_600_000;
    const headers = await under.browser();
    for (const name of ["ci", "gone"])
      await under.call("keys", { method: "POST", headers, body: { name, settings: {} } });
    await under.call("keys/resume", { method: "POST", headers, body: { names: ["ci"] } });
    return headers;
  };

  for (const [name, operation] of ALL) {
    test(`${name} gives what the contract says, and no secret`, async () => {
      const headers = await prepare();
      const { body, status } = SAMPLES[name];
      const reply = await under.call(pathOf(name, operation), { method: operation.method, headers, body });
      if (operation.reply === "events") {
        expect(reply.headers.get("content-type")).toBe("text/event-stream");
        await reply.body?.cancel();
        return;
      }
      const text = await reply.text();
      for (const secret of [...Object.values(PLANTED), "hash of"]) expect(text).not.toContain(secret);
      if (status !== undefined) {
        expect(reply.status).toBe(status);
        return;
      }
      expect([reply.status, text.slice(0, 300)]).toEqual([
        operation.reply === "none" ? 204 : 200,
        text.slice(0, 300),
      ]);
      if (typeof operation.reply !== "string") v.parse(operation.reply as v.GenericSchema, JSON.parse(text));
      expect(reply.headers.get("cache-control")).toBe("no-store");
    });

    if (operation.body === undefined) continue;
    test(`${name} refuses a wrong body, and names the field`, async () => {
      const headers = await prepare();
      const call = (body: unknown, more = {}) =>
        under.call(pathOf(name, operation), {
          method: operation.method,
          headers: { ...headers, ...more },
          body,
        });
      const unknown = await call({ ...(SAMPLES[name].body as object), unknown_member: PLANTED.apiKey });
      expect(unknown.status).toBe(400);
      const text = await unknown.text();
      expect(JSON.parse(text).error).toMatchObject({ kind: "bad_request", path: "unknown_member" });
      expect(text).not.toContain(PLANTED.apiKey);
      for (const body of ["", "{", "[]", "null", '"x"', "1e999"]) expect((await call(body)).status).toBe(400);
      for (const type of ["text/plain", "application/x-www-form-urlencoded", ""])
        expect((await call(SAMPLES[name].body, { "content-type": type })).status).toBe(400);
    });
  }

  test("what a person changes is on record by name, with who and from where", async () => {
    const headers = await prepare();
    const post = (path: string, body?: unknown) => under.call(path, { method: "POST", headers, body });
    await post("keys", { name: "recorded", settings: {} });
    await post("keys/revoke", { names: ["nobody"] });
    await post("credentials/up/main/pause");
    await post("explain", { path: "/v1/messages", body: {} });
    const { entries } = (await (await under.call("audit", { headers })).json()) as { entries: object[] };
    expect(entries.slice(0, 2)).toMatchObject([
      { what: "pauseCredential", changes: [{ path: "credentials[up/main]", after: "paused" }] },
      {
        what: "createKey",
        who: "password",
        address: "127.0.0.1",
        changes: [{ path: "keys[recorded]", before: null, after: "created" }],
        undoUntilMs: null,
      },
    ]);
  });

  test("an export with secrets is on record", async () => {
    const reader = new AdminUnderTest({
      settings: {
        read: async () => ({ text: "", revision: "1" }),
        whyLocked: async () => null,
        close: () => undefined,
      } as never,
    });
    const headers = await reader.browser();
    const body = { passphrase: "long enough", currentPassword: PLANTED.password };
    expect((await reader.call("settings/export", { method: "POST", headers, body })).status).toBe(200);
    const { entries } = (await (await reader.call("audit", { headers })).json()) as { entries: object[] };
    expect(entries).toMatchObject([
      { what: "exportSettings", changes: [{ after: "exported with secrets" }] },
    ]);
    reader.close();
  });

  test("an upstream's headers are not obeyed as the admin's own", async () => {
    const hostile = {
      "content-type": "text/html",
      "x-request-id": "r1",
      "x-clewline-cost": "0.1",
      "clear-site-data": '"cookies"',
      "set-cookie": "clewline_admin=x; Path=/",
      "www-authenticate": "Basic",
      "content-security-policy": "default-src *",
      refresh: "0; url=https://evil.example",
      link: "<https://evil.example>; rel=preload",
      location: "https://evil.example",
    };
    const tried = new AdminUnderTest({
      send: () => Promise.resolve(new Response("<script>", { headers: hostile })),
    });
    const headers = await tried.browser();
    const body = { path: "/v1/messages", body: {} };
    const reply = await tried.call("try", { method: "POST", headers, body });
    expect(await reply.text()).toBe("<script>");
    expect(reply.headers.get("x-request-id")).toBe("r1");
    expect(reply.headers.get("x-clewline-cost")).toBe("0.1");
    expect(reply.headers.get("content-security-policy")).toStartWith("default-src 'none'");
    expect(reply.headers.get("x-content-type-options")).toBe("nosniff");
    expect(JSON.stringify([...reply.headers])).not.toMatch(
      /evil|clewline_admin|clear-site|Basic|default-src \*/,
    );
    tried.close();
  });

  test("a wrong query names its parameter", async () => {
    const headers = await prepare();
    for (const [query, path] of [
      ["limit=501", "limit"],
      ["limit=1&limit=2", "limit"],
      ["status=9xx", "status"],
      ["unknown=1", "unknown"],
      ["fromMs=yesterday", "fromMs"],
    ]) {
      const reply = await under.call(`requests?${query}`, { headers });
      const { error } = (await reply.json()) as { error: { path: string } };
      expect([query, reply.status, error.path]).toEqual([query as string, 400, path as string]);
    }
  });

  test("a path or a method that there is not is told apart", async () => {
    const headers = await prepare();
    expect((await under.call("nothing", { headers })).status).toBe(404);
    expect((await under.call("overview", { method: "DELETE", headers })).status).toBe(405);
    expect((await under.call("keys/../session", { headers })).status).toBe(400);
  });
});
