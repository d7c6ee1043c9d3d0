import { expect, test } from "bun:test";
import type { HeaderLines } from "../core/header-view.ts";
import {
  type AccessToken,
  type Authorization,
  makeCredentialAccess,
  type RequestAuthorization,
  type SendText,
} from "./authorization.ts";
import { FAMILIES } from "./index.ts";

const REQUEST = { url: "http://h.example/v1/x", method: "POST", headers: [], body: null };
const clock = { nowMs: () => 1_000_000, monotonicMs: () => 0 };
const noSend: SendText = () => Promise.reject(new Error("nothing is to be sent"));

const signing: RequestAuthorization = {
  kind: "request",
  headerNames: ["x-signature"],
  open: (secret) => ({
    secrets: secret.split(":"),
    authorize: ({ url }, token, nowMs) => [["x-signature", `${secret} ${token} ${nowMs} ${url}`]],
  }),
};

/** The same with tokens. */
function renewing(refresh: () => Promise<AccessToken>): RequestAuthorization {
  return { ...signing, open: (secret) => ({ ...signing.open(secret), refresh }) };
}

test("a key's lines are made once, for every request the same", () => {
  let made = 0;
  const { authorization } = FAMILIES.openai;
  if (authorization.kind !== "fixed") throw new Error("OpenAI's keys need no signature");
  const counted: Authorization = {
    ...authorization,
    lines(secret) {
      made += 1;
      return authorization.lines(secret);
    },
  };
  const access = makeCredentialAccess(counted, "sk-1");
  expect(access.fixedLines).toEqual([["authorization", "Bearer sk-1"]]);
  expect(access.authorize(REQUEST, noSend, clock)).toBe(access.fixedLines as never);
  expect(access.fixedLines).toBe(access.fixedLines);
  expect(made).toBe(1);
  expect(access.secrets).toEqual(["sk-1"]);
});

test("every family names the headers of its lines", () => {
  for (const { authorization } of Object.values(FAMILIES)) {
    if (authorization.kind !== "fixed") continue;
    const lines = makeCredentialAccess(authorization, "sk-1").fixedLines ?? [];
    expect(lines.map(([name]) => name)).toEqual([...authorization.headerNames]);
  }
});

test("a signature that needs no promise comes without one", () => {
  const access = makeCredentialAccess(signing, "id:key");
  expect(access.fixedLines).toBeNull();
  expect(access.authorize(REQUEST, noSend, clock)).toEqual([
    ["x-signature", "id:key  1000000 http://h.example/v1/x"],
  ]);
  expect(access.secrets).toEqual(["id", "key"]);
});

/** An access whose tokens are `token-1`, `token-2`, and so on, at a time that the test sets. */
function tokens({ lifetimeMs, fails = () => false }: { lifetimeMs: number; fails?: () => boolean }) {
  let nowMs = 0;
  let given = 0;
  const access = makeCredentialAccess(
    renewing(async () => {
      given += 1;
      if (fails()) throw new Error("no");
      return { value: `token-${given}`, lifetimeMs };
    }),
    "key",
  );
  const late: unknown[] = [];
  const time = { nowMs: () => nowMs, monotonicMs: () => 0 };
  const linesAt = (ms: number): HeaderLines | Promise<HeaderLines> => {
    nowMs = ms;
    return access.authorize(REQUEST, noSend, time, (cause) => late.push(cause));
  };
  return {
    access,
    late,
    linesAt,
    given: () => given,
    async at(ms: number): Promise<string | undefined> {
      const [line] = await linesAt(ms);
      return line?.[1].split(" ")[1];
    },
  };
}

test("a token is kept until a minute before it expires, and is a secret", async () => {
  const { access, at } = tokens({ lifetimeMs: 3_600_000 });
  expect(access.secrets).toEqual(["key"]);
  expect(await at(0)).toBe("token-1");
  expect(access.secrets).toEqual(["key", "token-1"]);
  expect(await at(3_359_999)).toBe("token-1");
  expect(await at(3_600_000 * 2)).toBe("token-2");
  // An upstream may still answer with the token before.
  expect(access.secrets).toEqual(["key", "token-2", "token-1"]);
});

test("a token is renewed four minutes before it expires, and no request waits for the new one", async () => {
  const { at, linesAt, given } = tokens({ lifetimeMs: 3_600_000 });
  await at(0);
  expect(linesAt(3_360_000)).not.toBeInstanceOf(Promise);
  expect(linesAt(3_360_001)).not.toBeInstanceOf(Promise);
  expect(given()).toBe(2);
  await Promise.resolve();
  expect(await at(3_360_002)).toBe("token-2");
  expect(given()).toBe(2);
});

test("a renewal that fails is tried again after a pause, and fails no request as long as the token is good", async () => {
  let isBroken = false;
  const { at, given, late } = tokens({ lifetimeMs: 3_600_000, fails: () => isBroken });
  await at(0);
  isBroken = true;
  for (const ms of [3_360_000, 3_360_001, 3_369_000]) expect(await at(ms)).toBe("token-1");
  expect(given()).toBe(2);
  expect(await at(3_371_000)).toBe("token-1");
  expect(given()).toBe(3);
  await Promise.resolve();
  // Each is told once, and those that a request waits for by the request.
  expect(late).toEqual([new Error("no"), new Error("no")]);
  expect(at(3_540_000)).rejects.toThrow("no");
});

test("a token of two seconds lives too", async () => {
  const { at, given } = tokens({ lifetimeMs: 2_000 });
  expect([await at(0), await at(1_499), given()]).toEqual(["token-1", "token-1", 1]);
  expect([await at(1_500), given()]).toEqual(["token-1", 2]);
  expect(await at(1_501)).toBe("token-2");
});

test("a refused token is forgotten, and a new one may help the request unless its token was new", async () => {
  const { access, at, linesAt } = tokens({ lifetimeMs: 3_600_000 });
  const fresh = await linesAt(0);
  const old = await linesAt(1);
  expect(access.forgetToken(old)).toBe(true);
  expect(await at(2)).toBe("token-2");
  // The new token stays: another one was refused.
  expect(access.forgetToken(old)).toBe(true);
  expect(await at(3)).toBe("token-2");
  expect(access.forgetToken(fresh)).toBe(false);
});

test("a refresh that fails fails those who wait for it, and the next request tries anew", async () => {
  let given = 0;
  const access = makeCredentialAccess(
    renewing(async () => {
      given += 1;
      if (given === 1) throw new Error("no");
      return { value: "token", lifetimeMs: 3_600_000 };
    }),
    "key",
  );
  const ask = async () => await access.authorize(REQUEST, noSend, clock);
  const both = await Promise.allSettled([ask(), ask()]);
  expect(both.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  expect(given).toBe(1);
  expect(await ask()).toHaveLength(1);
});
