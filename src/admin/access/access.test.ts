import { afterEach, beforeEach, expect, test } from "bun:test";
import { makeIds } from "../../core/ids.ts";
import { openStore } from "../../ledger/store-file.ts";
import { AdminAccessTable, makeLink, makeToken } from "../../store/admin-access.ts";
import { AdminUnderTest, cookieIn, PLANTED } from "../fixtures/admin-under-test.ts";

const HOUR_MS = 3_600_000;

let under: AdminUnderTest;
beforeEach(() => {
  under = new AdminUnderTest();
});
afterEach(() => under.close());

const isSignedIn = async (cookie: string): Promise<boolean> =>
  ((await (await under.call("session", { headers: { cookie } })).json()) as { signedIn: boolean }).signedIn;

function withTable<T>(work: (table: AdminAccessTable) => T): T {
  const sql = openStore(under.dir);
  try {
    return work(new AdminAccessTable(sql));
  } finally {
    sql.close();
  }
}

const makers = () => ({ ids: makeIds(), clock: { nowMs: () => under.nowMs } });
const link = (): string => withTable((table) => makeLink(table, makers()));
const signInByLink = (token: string): Promise<Response> =>
  under.call("session", { method: "POST", body: { link: token } });

test("the password opens a session, whose cookie no page can read and no other site sends", async () => {
  const reply = await under.signIn();
  expect(reply.status).toBe(204);
  expect(reply.headers.get("set-cookie")).toMatch(
    /^clewline_admin=[0-9a-f]{64}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=604800$/,
  );
  expect(await isSignedIn(cookieIn(reply))).toBe(true);
  const secure = await under.signIn(PLANTED.password, { headers: { "x-forwarded-proto": "https" } });
  expect(secure.headers.get("set-cookie")).toMatch(/^__Host-clewline_admin=.*; Secure$/);
  expect((await under.signIn("wrong")).status).toBe(401);
});

test("the database keeps no id of a session, but its hash", async () => {
  const { cookie } = await under.browser();
  const sql = openStore(under.dir);
  const rows = JSON.stringify(sql.prepare("SELECT * FROM admin_sessions").all());
  sql.close();
  expect(rows).not.toContain(cookie.split("=")[1] as string);
  expect(rows).not.toContain(under.passwordHash);
});

test("of 10,000 tries of a password no more are looked at than the budget has, and sessions and links go on", async () => {
  const { cookie } = await under.browser();
  const token = link();
  under.nowMs += HOUR_MS;
  const begun = under.checks;
  let retryAfter = 0;
  for (let i = 0; i < 10_000; i++) {
    const address = `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`;
    // The right password is among those that come too late.
    const reply = await under.signIn(i > 100 ? PLANTED.password : `guess-${i}`, { address });
    if (reply.status === 429) retryAfter = Number(reply.headers.get("retry-after"));
    else expect(reply.status).toBe(401);
    // All of it within one minute.
    under.nowMs += 5;
  }
  expect(under.checks - begun).toBe(20);
  expect(retryAfter).toBeGreaterThan(0);
  expect(await isSignedIn(cookie)).toBe(true);
  expect((await signInByLink(token)).status).toBe(401);
  expect((await signInByLink(link())).status).toBe(204);
});

test("one address has five tries a minute, a whole network of IPv6 too; the right password forgets slips", async () => {
  const tryFrom = async (address: string): Promise<number> =>
    (await under.signIn("wrong", { address })).status;
  for (let i = 0; i < 5; i++) expect(await tryFrom("192.0.2.1")).toBe(401);
  expect(await tryFrom("192.0.2.1")).toBe(429);
  expect(await tryFrom("192.0.2.2")).toBe(401);
  for (let i = 0; i < 5; i++) expect(await tryFrom(`2001:db8:1:2::${i}`)).toBe(401);
  expect(await tryFrom("2001:0db8:1:2:ffff::9")).toBe(429);
  expect(await tryFrom("2001:db8:1:3::1")).toBe(401);
  expect(await tryFrom("::ffff:192.0.2.1")).toBe(429);
  expect(await tryFrom("::ffff:198.51.100.7")).toBe(401);
  under.nowMs += 60_001;
  for (let i = 0; i < 4; i++) expect(await tryFrom("192.0.2.1")).toBe(401);
  expect((await under.signIn(PLANTED.password, { address: "192.0.2.1" })).status).toBe(204);
  for (let i = 0; i < 5; i++) expect(await tryFrom("192.0.2.1")).toBe(401);
});

test("another password ends every session at once, also those of links", async () => {
  const cookies = [cookieIn(await under.signIn()), cookieIn(await signInByLink(link()))];
  for (const cookie of cookies) expect(await isSignedIn(cookie)).toBe(true);
  under.passwordHash = "hash of another one";
  for (const cookie of cookies) expect(await isSignedIn(cookie)).toBe(false);
});

test("a session does not come back with its password, once somebody has signed in with another one", async () => {
  const before = under.passwordHash;
  const cookie = cookieIn(await under.signIn());
  under.passwordHash = "hash of another one";
  expect((await under.signIn("another one")).status).toBe(204);
  under.passwordHash = before;
  expect(await isSignedIn(cookie)).toBe(false);
});

test("a sign-out ends this session, and one of all ends all", async () => {
  const [one, other, third] = [await under.browser(), await under.browser(), await under.browser()];
  expect((await under.call("session", { method: "DELETE", headers: one })).status).toBe(204);
  expect(await isSignedIn(one.cookie)).toBe(false);
  expect(await isSignedIn(other.cookie)).toBe(true);
  expect((await under.call("sessions", { method: "DELETE", headers: other })).status).toBe(204);
  expect(await isSignedIn(third.cookie)).toBe(false);
});

test("a sign-out ends the session under both of its ids, right after one was renewed", async () => {
  for (const signsOut of ["old", "new"] as const) {
    const headers = await under.browser();
    under.nowMs += 2 * HOUR_MS;
    const renewed = cookieIn(await under.call("session", { headers: { cookie: headers.cookie } }));
    const cookies = { old: headers.cookie, new: renewed };
    expect(await isSignedIn(cookies.old)).toBe(true);
    const reply = await under.call("session", {
      method: "DELETE",
      headers: { ...headers, cookie: cookies[signsOut] },
    });
    expect(reply.status).toBe(204);
    for (const cookie of Object.values(cookies)) expect(await isSignedIn(cookie)).toBe(false);
  }
});

test("a call whose body comes after its session has ended does nothing", async () => {
  const headers = await under.browser();
  const slow = new TransformStream<Uint8Array, Uint8Array>();
  const reply = under.call("keys", { method: "POST", headers, body: slow.readable });
  await under.call("session", { method: "DELETE", headers });
  const writer = slow.writable.getWriter();
  await writer.write(new TextEncoder().encode('{"name":"late"}'));
  await writer.close();
  expect((await reply).status).toBe(401);
  const { keys } = (await (await under.call("keys", { headers: await under.browser() })).json()) as {
    keys: unknown[];
  };
  expect(keys).toEqual([]);
});

test("a stranger cannot make the gateway read more than a password needs", async () => {
  const reply = await under.signIn("x".repeat(20_000));
  expect(reply.status).toBe(413);
  expect(under.checks).toBe(0);
});

test("a CSRF value of other characters is refused like any other wrong one", async () => {
  const headers = await under.browser();
  const reply = await under.call("sessions", {
    method: "DELETE",
    headers: { ...headers, "x-clewline-csrf": "\u00e4".repeat(64) },
  });
  expect(reply.status).toBe(403);
});

test("a session ends after a day of silence, and after a week in any case", async () => {
  const quiet = cookieIn(await under.signIn());
  under.nowMs += 24 * HOUR_MS;
  expect(await isSignedIn(quiet)).toBe(false);
  const busy = cookieIn(await under.signIn());
  const untilMs = under.nowMs + 7 * 24 * HOUR_MS;
  let cookie = busy;
  while (under.nowMs < untilMs - 12 * HOUR_MS) {
    under.nowMs += 6 * HOUR_MS;
    const reply = await under.call("session", { headers: { cookie } });
    expect(await reply.json()).toMatchObject({ signedIn: true });
    cookie = cookieIn(reply) || cookie;
  }
  under.nowMs = untilMs;
  expect(await isSignedIn(cookie)).toBe(false);
});

test("an old id is replaced, and the one before ends a minute later", async () => {
  const { cookie, ...csrf } = await under.browser();
  under.nowMs += 2 * HOUR_MS;
  const reply = await under.call("session", { headers: { cookie } });
  const renewed = cookieIn(reply);
  expect(renewed).not.toBe(cookie);
  expect(renewed).toStartWith("clewline_admin=");
  expect(await reply.json()).toMatchObject({ csrf: csrf["x-clewline-csrf"] });
  expect(await isSignedIn(cookie)).toBe(true);
  under.nowMs += 60_001;
  expect(await isSignedIn(cookie)).toBe(false);
  expect(await isSignedIn(renewed)).toBe(true);
});

test("a link signs in once, and for ten minutes", async () => {
  const [once, late] = [link(), link()];
  expect((await signInByLink(once)).status).toBe(204);
  expect((await signInByLink(once)).status).toBe(401);
  under.nowMs += 10 * 60_000;
  expect((await signInByLink(late)).status).toBe(401);
  expect((await signInByLink("")).status).toBe(401);
});

test("a token of a script opens the admin without a CSRF value, until it is revoked", async () => {
  const token = withTable((table) => makeToken(table, "ci", makers()));
  const headers = { authorization: `Bearer ${token}` };
  const create = () => under.call("keys", { method: "POST", headers, body: { name: "made" } });
  expect((await create()).status).toBe(200);
  expect(withTable((table) => table.endToken("ci"))).toBe(true);
  expect((await create()).status).toBe(401);
});

test("plain http from another machine is told", async () => {
  const plain = async (address: string, headers = {}) =>
    ((await (await under.call("session", { address, headers })).json()) as { isPlainHttp: boolean })
      .isPlainHttp;
  expect(await plain("192.0.2.1")).toBe(true);
  expect(await plain("192.0.2.1", { "x-forwarded-proto": "https" })).toBe(false);
  expect(await plain("127.0.0.1")).toBe(false);
});
