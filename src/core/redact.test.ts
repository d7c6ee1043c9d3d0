import { describe, expect, test } from "bun:test";
import { withoutSecrets } from "./redact.ts";

const SECRET = "sk-planted-secret";

describe("a text that repeats the credential", () => {
  test.each([[[SECRET]], [["another-secret", SECRET]]])(
    "of the secrets %j loses each everywhere, and nothing else",
    (auth) => {
      expect(withoutSecrets(`key ${SECRET}, again ${SECRET}.`, auth)).toBe(
        "key [redacted], again [redacted].",
      );
      expect(withoutSecrets('{"code":null}', auth)).toBe('{"code":null}');
      const written = [...SECRET].map((char) => `\\u00${char.charCodeAt(0).toString(16).toUpperCase()}`);
      expect(withoutSecrets(`{"key":"${written.join("")}"}`, auth)).toBe('{"key":"[redacted]"}');
    },
  );

  test("loses it where JSON escapes some of it", () => {
    const auth = ['ab/cd+"ef\\gh.ij'] as const;
    const text = JSON.stringify({ message: `no ${auth[0]}` }).replaceAll("/", "\\/");
    expect(withoutSecrets(text, auth)).toBe('{"message":"no [redacted]"}');
    expect(withoutSecrets("ab/cd+", auth)).toBe("ab/cd+");
  });

  test.each(["null", "none", "ollama", "x", ""])(
    "stays as it is when the credential is a placeholder such as %j",
    (key) => {
      const text = '{"error":{"message":"none of x, ollama","code":null}}';
      expect(withoutSecrets(text, [key])).toBe(text);
    },
  );
});
