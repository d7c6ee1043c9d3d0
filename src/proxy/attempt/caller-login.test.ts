// Which of a caller's headers are its own login at a provider, and that a key of the gateway never is.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { digestOf, makeKeyRing } from "../../auth/keys.ts";
import { PLAIN_SETTINGS } from "../../config/client-keys.ts";
import { HeaderList } from "../../core/header-view.ts";
import { readLogin } from "./caller-login.ts";

const OWN = "key-of-the-gateway";
const OTHER = "another-key-of-the-gateway";
const KEYS = makeKeyRing(
  [OWN, OTHER].map((key) => ({ name: key, ...PLAIN_SETTINGS, keySha256: digestOf(key) })),
);

const loginOf = (headers: Record<string, string>, search = "") =>
  readLogin(KEYS, { headers: HeaderList.of(new Headers(headers)), search });
const linesOf = (headers: Record<string, string>, search = "") =>
  Object.fromEntries(loginOf({ "x-clewline-key": OWN, ...headers }, search)?.lines ?? []);

describe("beside the gateway's key", () => {
  test.each([
    ["authorization", "Bearer sk-ant-oat01-token"],
    ["authorization", "Basic dXNlcjpwYXNz"],
    ["x-api-key", "sk-ant-api03"],
    ["x-goog-api-key", "AIza-key"],
    ["api-key", "azure"],
  ])("%s: %s is the login, as it was sent", (name, value) => {
    expect(linesOf({ [name]: value })).toEqual({ [name]: value });
  });

  test("all of them are shown together, and their tokens are secrets", () => {
    const sent = { authorization: "Bearer one-token", "x-api-key": "two-token" };
    expect(linesOf(sent)).toEqual(sent);
    expect(loginOf({ "x-clewline-key": OWN, ...sent })?.secrets).toEqual(["one-token", "two-token"]);
  });

  test("a key in the query goes on in Google's header, unless that is there", () => {
    expect(linesOf({}, "?alt=sse&key=AIza")).toEqual({ "x-goog-api-key": "AIza" });
    expect(linesOf({ "x-goog-api-key": "first" }, "?key=AIza")).toEqual({ "x-goog-api-key": "first" });
    expect(linesOf({}, "?monkey=AIza")).toEqual({});
  });

  test("nothing else is a login", () => {
    expect(linesOf({ cookie: "a=b", "proxy-authorization": "Basic x", "x-auth-token": "t" })).toEqual({});
    expect(linesOf({ authorization: "", "x-api-key": " " })).toEqual({});
  });
});

test("without the header for the gateway's key, one of the others is that key", () => {
  expect(loginOf({ authorization: `Bearer ${OWN}`, "x-api-key": "sk-ant" })).toBeNull();
  expect(loginOf({ authorization: "Bearer sk-ant" })).toBeNull();
});

test.each([
  OWN,
  OTHER,
  `Bearer ${OWN}`,
  `bearer  ${OTHER}`,
  `sk-ant, ${OWN}`,
  `Bearer sk-ant, Bearer ${OTHER}`,
  "clew-0123456789abcdef",
])("a header with the gateway's key %j is not shown", (value) => {
  for (const name of ["authorization", "x-api-key", "x-goog-api-key", "api-key"])
    expect(linesOf({ [name]: value })).toEqual({});
});

test("among any headers and queries, no key of the gateway is ever shown", () => {
  const value = fc.oneof(
    fc.constantFrom(OWN, `Bearer ${OWN}`, OTHER, ` ${OTHER} `, `x,${OWN}`, "clew-x"),
    fc.string({ unit: fc.constantFrom(..."ab-, ".split("")), maxLength: 8 }),
  );
  const names = fc.constantFrom(
    "authorization",
    "x-api-key",
    "x-goog-api-key",
    "api-key",
    "cookie",
    "x-other",
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(names, value)), value, (sent, key) => {
      const headers = new Headers({ "x-clewline-key": OWN });
      for (const [name, text] of sent) headers.append(name, text);
      const search = `?key=${encodeURIComponent(key)}`;
      const shown = JSON.stringify(readLogin(KEYS, { headers: HeaderList.of(headers), search }));
      for (const own of [OWN, OTHER, "clew-x"]) expect(shown).not.toContain(own);
    }),
  );
});
