import { expect, test } from "bun:test";
import {
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
  secretsOf: (secret) => secret.split(":"),
  authorize: ({ url }, secret, token, nowMs) => [["x-signature", `${secret} ${token} ${nowMs} ${url}`]],
};

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

test("a token is kept until a minute before it expires, is a secret, and can be forgotten", async () => {
  let nowMs = 0;
  let given = 0;
  const time = { nowMs: () => nowMs, monotonicMs: () => 0 };
  const access = makeCredentialAccess(
    {
      ...signing,
      async refresh() {
        given += 1;
        return { value: `token-${given}`, expiresAtMs: nowMs + 100_000 };
      },
    },
    "key",
  );
  const tokenAt = async (ms: number): Promise<string | undefined> => {
    nowMs = ms;
    const [line] = await access.authorize(REQUEST, noSend, time);
    return line?.[1].split(" ")[1];
  };
  expect(access.secrets).toEqual(["key"]);
  expect(await tokenAt(0)).toBe("token-1");
  expect(access.secrets).toEqual(["key", "token-1"]);
  expect(await tokenAt(39_999)).toBe("token-1");
  expect(await tokenAt(40_000)).toBe("token-2");
  access.forgetToken();
  expect(await tokenAt(40_001)).toBe("token-3");
  // An upstream may still answer with the token before.
  expect(access.secrets).toEqual(["key", "token-3", "token-2"]);
});

test("a refresh that fails fails those who wait for it, and the next request tries anew", async () => {
  let given = 0;
  const access = makeCredentialAccess(
    {
      ...signing,
      async refresh() {
        given += 1;
        if (given === 1) throw new Error("no");
        return { value: "token", expiresAtMs: Number.MAX_SAFE_INTEGER };
      },
    },
    "key",
  );
  const ask = async () => await access.authorize(REQUEST, noSend, clock);
  const both = await Promise.allSettled([ask(), ask()]);
  expect(both.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  expect(given).toBe(1);
  expect(await ask()).toHaveLength(1);
});
