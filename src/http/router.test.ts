// The form of a table's paths, on a table of its own. Where the gateway's own paths lead: routes.test.ts.
import { expect, test } from "bun:test";
import { Router } from "./router.ts";

const ROUTER = new Router(
  [
    "/v1/things",
    "/v1/things/{id}",
    "/v1/things/special",
    "/v1/things/{id}/{part}",
    "/v1/names/{name...}:run",
    "/v1/names/{name...}",
    "/admin/keys",
    "/admin/keys/{id}",
  ].map((path) => ({ path })),
);

const found = (path: string): string => {
  const match = ROUTER.match(path.slice(1).split("/").map(decodeURIComponent));
  return match === null ? "none" : `${match.lines[0]?.path} ${Object.values(match.params).join(" ")}`.trim();
};

test.each([
  ["/v1/things", "/v1/things"],
  ["/v1/things/7", "/v1/things/{id} 7"],
  ["/things/7", "/v1/things/{id} 7"],
  ["/v1/v1/things/7", "/v1/things/{id} 7"],
  ["/v1beta/openai/things/7", "/v1/things/{id} 7"],
  ["/v1/things/special", "/v1/things/special"],
  ["/v1/things/%73pecial", "/v1/things/special"],
  ["/v1/things/7/p", "/v1/things/{id}/{part} 7 p"],
  ["/v1/things/7/p/q", "none"],
  ["/v1/things//p", "none"],
  ["/v1/names/a", "/v1/names/{name...} a"],
  ["/v1/names/a/b%2Fc", "/v1/names/{name...} a/b/c"],
  ["/v1/names/a:run", "/v1/names/{name...}:run a"],
  ["/v1/names/a:b/c:run", "/v1/names/{name...}:run a:b/c"],
  ["/v1/names/a:walk", "/v1/names/{name...} a:walk"],
  ["/v1/names/:run", "/v1/names/{name...} :run"],
  ["/v1/names", "none"],
  ["/names/a:run", "/v1/names/{name...} a:run"],
  ["/admin/keys/k", "/admin/keys/{id} k"],
  ["/v1/admin/keys", "none"],
  ["/keys", "none"],
])("%s leads to %s", (path, expected) => expect(found(path)).toBe(expected));

test("an escaped slash is no part of a single segment", () => {
  expect(() => found("/v1/things/a%2Fb")).toThrow("an escaped slash (%2F)");
  expect(() => found("/admin%2Fkeys")).toThrow("an escaped slash (%2F)");
});

test("lines of one path stand together, so that a path may have a handler for each method", () => {
  const router = new Router([
    { path: "/a", method: "GET" },
    { path: "/b", method: "GET" },
    { path: "/a", method: "POST" },
  ]);
  expect(router.match(["a"])?.lines.map(({ method }) => method)).toEqual(["GET", "POST"]);
});
