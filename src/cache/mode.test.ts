import { expect, test } from "bun:test";
import type { CacheMode } from "../config/client-keys.ts";
import { GatewayError } from "../core/errors.ts";
import { cacheWish } from "./mode.ts";

const MODES: readonly (CacheMode | null)[] = [null, "off", "repeatable", "all"];
const HEADERS = [null, "on", "off", "refresh"];

test("the operator's off stands above all, then the header, then the wider word", () => {
  for (const ofKey of MODES) {
    for (const ofModel of MODES) {
      for (const header of HEADERS) {
        const wish = cacheWish({ ofKey, ofModel, mayAsk: true, header });
        const words = [ofKey, ofModel];
        if (words.includes("off") || header === "off") expect(wish).toBeNull();
        else if (header !== null) expect(wish).toEqual({ mode: "all", isRefresh: header === "refresh" });
        else if (words.includes("all")) expect(wish).toEqual({ mode: "all", isRefresh: false });
        else if (words.includes("repeatable")) expect(wish).toEqual({ mode: "repeatable", isRefresh: false });
        else expect(wish).toBeNull();
      }
    }
  }
});

const refusal = (header: string, mayAsk: boolean): GatewayError => {
  try {
    cacheWish({ ofKey: "all", ofModel: null, mayAsk, header });
  } catch (cause) {
    if (cause instanceof GatewayError) return cause;
  }
  throw new Error("the header was taken");
};

test.each(["", "yes", "1", "hit", "on, off", "no-cache", "x".repeat(10_000)])(
  "the header %p is refused, whoever sends it",
  (header) => {
    for (const mayAsk of [true, false]) {
      const { kind, message } = refusal(header, mayAsk);
      expect(kind).toBe("bad_request");
      expect(message).toContain("send on, off or refresh");
      expect(message.length).toBeLessThan(200);
    }
  },
);

test("a key without the right may only ask to be left out", () => {
  for (const header of ["on", "refresh", " ON "]) {
    expect(refusal(header, false)).toMatchObject({ kind: "key_forbidden" });
    expect(refusal(header, false).message).toContain("cache_header");
  }
  expect(cacheWish({ ofKey: "all", ofModel: null, mayAsk: false, header: "off" })).toBeNull();
});
