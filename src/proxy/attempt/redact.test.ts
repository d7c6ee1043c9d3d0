import { describe, expect, test } from "bun:test";
import { withoutCredential } from "./redact.ts";

const SECRET = "sk-planted-secret";

describe("a text that repeats the credential", () => {
  test.each([
    ["x-api-key", SECRET],
    ["authorization", `Bearer ${SECRET}`],
  ])("in %s loses it everywhere, and nothing else", (name, value) => {
    const auth = [name, value] as const;
    expect(withoutCredential(`key ${SECRET}, again ${SECRET}.`, auth)).toBe(
      "key [redacted], again [redacted].",
    );
    expect(withoutCredential('{"code":null}', auth)).toBe('{"code":null}');
    const written = [...SECRET].map((char) => `\\u00${char.charCodeAt(0).toString(16).toUpperCase()}`);
    expect(withoutCredential(`{"key":"${written.join("")}"}`, auth)).toBe('{"key":"[redacted]"}');
  });

  test("loses it where JSON escapes some of it", () => {
    const auth = ["x-api-key", 'ab/cd+"ef\\gh.ij'] as const;
    const text = JSON.stringify({ message: `no ${auth[1]}` }).replaceAll("/", "\\/");
    expect(withoutCredential(text, auth)).toBe('{"message":"no [redacted]"}');
    expect(withoutCredential("ab/cd+", auth)).toBe("ab/cd+");
  });

  test.each(["null", "none", "ollama", "x", ""])(
    "stays as it is when the credential is a placeholder such as %j",
    (key) => {
      const text = '{"error":{"message":"none of x, ollama","code":null}}';
      expect(withoutCredential(text, ["authorization", `Bearer ${key}`])).toBe(text);
    },
  );
});
