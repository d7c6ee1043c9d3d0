// Names of headers by kinds: any vendor's spelling of a kind is known, and no name that only sounds like it.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { HeaderList } from "../core/header-view.ts";
import { makeReplyHeaderFilter, makeUpstreamHeaders } from "./pass-headers.ts";

const filter = makeReplyHeaderFilter(true);
const passesUp = (name: string): boolean => {
  const lines = makeUpstreamHeaders(HeaderList.of(new Headers({ [name]: "v" })), [], [], []);
  return lines.some(([, value]) => value === "v");
};
const passesDown = (name: string): boolean =>
  filter(new Headers({ [name]: "v" }), "id")[name.toLowerCase()] === "v";

/** A vendor's words before the name. */
const vendor = fc
  .array(fc.constantFrom("x", "acme", "ai", "goog", "v2", "internal"), { minLength: 1, maxLength: 3 })
  .map((words) => words.join("-"));
const inAnyCase = (name: string, seed: number): string =>
  [...name].map((char, at) => ((seed >> (at % 16)) & 1 ? char.toUpperCase() : char)).join("");

const LOGINS = [
  "authorization",
  "authentication",
  "auth",
  "token",
  "access-token",
  "id_token",
  "secret",
  "password",
  "credential",
  "credentials",
  "api-key",
  "apikey",
  "api_key",
  "access-key",
  "subscription-key",
  "session-key",
  "jwt",
  "bearer",
  "cookie",
  "client-cert",
] as const;
const WAYS = [
  "client-ip",
  "clientip",
  "real-ip",
  "remote-ip",
  "forwarded-for",
  "forwarded-host",
  "forwarded",
] as const;
const OVERRIDES = [
  "method-override",
  "http-method-override",
  "host-override",
  "url-override",
  "path-override",
] as const;

describe.each([
  ["a login", LOGINS],
  ["where a request comes from", WAYS],
  ["another method, path or host", OVERRIDES],
] as const)("what tells %s", (_kind, words) => {
  test("passes in neither direction, whoever has named it", () => {
    fc.assert(
      fc.property(vendor, fc.constantFrom(...words), fc.nat(65_535), (before, word, seed) => {
        const name = inAnyCase(`${before}-${word}`, seed);
        expect([name, passesUp(name), passesDown(name)]).toEqual([name, false, false]);
      }),
    );
  });
});

test("a word within another one is no such kind", () => {
  for (const name of [
    "x-author",
    "x-authority-score",
    "x-tokens",
    "x-token-usage",
    "x-tokenizer",
    "x-secretary",
    "x-certainty",
    "x-keyboard",
    "x-cache-key",
    "idempotency-key",
    "x-equip",
    "x-methodology",
    "x-hostess",
    "x-accelerate",
  ])
    expect([name, passesUp(name), passesDown(name)]).toEqual([name, true, true]);
});

test("names of vendors pass in both directions, however they are made", () => {
  const safe = fc.constantFrom(
    "version",
    "beta",
    "model",
    "region",
    "session-id",
    "trace",
    "usage",
    "count",
    "mode",
  );
  fc.assert(
    fc.property(vendor, safe, (before, word) => {
      const name = `${before}-${word}`;
      expect([name, passesUp(name), passesDown(name)]).toEqual([name, true, true]);
    }),
  );
});
