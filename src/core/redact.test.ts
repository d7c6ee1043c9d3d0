import { describe, expect, test } from "bun:test";
import { sha256 } from "./hash.ts";
import { HeaderList } from "./header-view.ts";
import { bytesWithoutSecrets, headWithoutSecrets, withoutSecrets } from "./redact.ts";

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

  test("loses all of each of two secrets that have a part in common", () => {
    const secrets = ["sk-one-secret-0123456789", "sk-other-secret-0123456789", "secret-0123456789-of-it"];
    const text = secrets.map((secret) => `<${secret}>`).join(" ");
    for (const order of [secrets, secrets.toReversed()])
      expect(withoutSecrets(`${text}!`, order)).toBe("<[redacted]> <[redacted]> <[redacted]>!");
  });

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

describe("in each encoding that a server may write it in", () => {
  const KEY = "sk-proj-canary/91d2+c3b4_a5f60718&Zz";
  const bytes = Buffer.from(KEY);
  const each = (form: (char: string) => string): string => Array.from(KEY, form).join("");
  const code = (char: string): number => char.charCodeAt(0);
  const FORMS: Readonly<Record<string, string>> = {
    "as it is": KEY,
    "in capitals": KEY.toUpperCase(),
    "escaped as JSON": JSON.stringify(KEY).replaceAll("/", "\\/"),
    "as numbers of JSON": each((char) => `\\u${code(char).toString(16).padStart(4, "0")}`),
    "escaped for a URL": encodeURIComponent(KEY),
    "with each character escaped for a URL": each((char) => `%${code(char).toString(16).toUpperCase()}`),
    "as decimal entities": each((char) => `&#${code(char)};`),
    "as hexadecimal entities": each((char) => `&#x${code(char).toString(16)};`),
    "with HTML's names": KEY.replace("&", "&amp;"),
    "as bytes of a program": each((char) => `\\x${code(char).toString(16)}`),
    "as hexadecimal digits": bytes.toString("hex"),
    "as hexadecimal digits with colons": bytes.toString("hex").match(/../g)?.join(":") ?? "",
    "with blanks between the characters": each((char) => `${char} `),
    "broken into lines": KEY.match(/.{1,6}/g)?.join("\n") ?? "",
    "its first half": KEY.slice(0, KEY.length / 2),
    "its second half": KEY.slice(KEY.length / 2),
    ...Object.fromEntries(
      [0, 1, 2].flatMap((before) =>
        (["base64", "base64url"] as const).map((alphabet) => [
          `within ${alphabet}, behind ${before} other bytes`,
          Buffer.from(`${"u:x".slice(0, before)}${KEY}more`).toString(alphabet),
        ]),
      ),
    ),
  };

  test.each(Object.entries(FORMS))("%s", (_, form) => {
    const shown = withoutSecrets(`before ${form} behind`, [KEY]);
    expect(shown).toContain("[redacted]");
    expect(shown).toStartWith("before ");
    expect(shown).toEndWith(" behind");
    // What is left tells nothing: at most the ends of a longer text in base64.
    expect(shown.length).toBeLessThan(50);
  });

  test("other words stay, whatever they begin with", () => {
    for (const text of ["sk-proj-canary", `${"sk-proj-".repeat(1_000)}`, "x".repeat(100_000)])
      expect(withoutSecrets(text, [KEY])).toBe(text);
  });

  test("a head loses it in names and values, and is otherwise the same", () => {
    const head = (...lines: (readonly [string, string])[]) => ({
      status: 200,
      headers: HeaderList.of(new Headers(lines.map(([name, value]) => [name, value]))),
    });
    const clean = head(["content-type", "application/json"], ["x-long", "y".repeat(500)]);
    expect(headWithoutSecrets(clean, [KEY])).toBe(clean);
    const shown = headWithoutSecrets(
      head(["x-echo", `Bearer ${KEY}`], ["www-authenticate", `Basic ${btoa(`u:${KEY}`)}`], ["a", "b"]),
      [KEY],
    );
    expect(shown.headers.get("a")).toBe("b");
    expect(shown.headers.get("x-echo")).toBe("Bearer [redacted]");
    expect(shown.headers.get("www-authenticate")).toMatch(/^Basic .{0,4}\[redacted\].{0,4}$/);
  });

  test("bytes without it are the same bytes, also when they are no text", () => {
    const broken = new Uint8Array([0xff, 0xfe, 0x00, 0x41]);
    expect(bytesWithoutSecrets(broken, [KEY])).toBe(broken);
    const shown = bytesWithoutSecrets(Buffer.from(`a ${KEY} b`), [KEY]);
    expect(new TextDecoder().decode(shown)).toBe("a [redacted] b");
  });
});

describe("A67 a login of many kilobytes, which a client chooses,", () => {
  const LONG = Array.from({ length: 400 }, (_, n) => sha256().update(`${n}`).digest("base64url"))
    .join("")
    .slice(0, 15_000);
  const middle = LONG.slice(7_600, 7_700);

  test.each([
    ["as it is", LONG],
    ["in JSON", JSON.stringify({ token: LONG })],
    ["in base64", Buffer.from(LONG).toString("base64")],
    ["in hexadecimal digits", Buffer.from(LONG).toString("hex")],
    ["its second half", LONG.slice(7_500)],
    ["its first kilobyte", LONG.slice(0, 1_000)],
  ])("is hidden to its end, %s", (_, text) => {
    const shown = withoutSecrets(`The key "${text}" is wrong, said the server.`, [LONG]);
    expect(shown).not.toContain(text.slice(200, 260));
    expect(shown).not.toContain(middle);
    expect(shown).toEndWith(" is wrong, said the server.");
  });

  test("costs a search little, however many of them come", () => {
    const text = "A server says much of what it was asked. ".repeat(1_000);
    const before = process.cpuUsage();
    for (let n = 0; n < 20; n++) expect(withoutSecrets(text, [`${n}${LONG}`])).toBe(text);
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 1_000 / 20).toBeLessThan(100);
  });
});

describe("A92 any part of a token of two kilobytes", () => {
  const part = (name: string, size: number): string =>
    Array.from({ length: 64 }, (_, n) => sha256().update(`${name}${n}`).digest("base64url"))
      .join("")
      .slice(0, size);
  const TOKEN = `eyJ${part("head", 100)}.eyJ${part("claims", 1_500)}.${part("signature", 342)}`;
  const PARTS: Readonly<Record<string, string>> = {
    whole: TOKEN,
    "its first third": TOKEN.slice(0, 650),
    "its second third": TOKEN.slice(650, 1_300),
    "its last third": TOKEN.slice(1_300),
    "its signature": TOKEN.slice(-342),
    "sixty characters of it": TOKEN.slice(1_711, 1_771),
  };
  const each = (text: string, form: (char: string) => string): string => Array.from(text, form).join("");
  const code = (char: string): number => char.charCodeAt(0);
  const FORMS: Readonly<Record<string, (text: string) => string>> = {
    "as it is": (text) => text,
    "in capitals": (text) => text.toUpperCase(),
    "as numbers of JSON": (text) => each(text, (char) => `\\u${code(char).toString(16).padStart(4, "0")}`),
    "escaped for a URL": (text) => each(text, (char) => `%${code(char).toString(16)}`),
    "as decimal entities": (text) => each(text, (char) => `&#${code(char)};`),
    "as hexadecimal entities": (text) => each(text, (char) => `&#x${code(char).toString(16)};`),
    "as bytes of a program": (text) => each(text, (char) => `\\x${code(char).toString(16)}`),
    "as hexadecimal digits": (text) => Buffer.from(text).toString("hex"),
    "as hexadecimal digits with colons": (text) =>
      Buffer.from(text).toString("hex").match(/../g)?.join(":") ?? "",
    "with blanks between the characters": (text) => each(text, (char) => `${char} `).trim(),
    "broken into lines": (text) => text.match(/.{1,64}/g)?.join("\n") ?? "",
    "broken into lines of JSON": (text) => text.match(/.{1,64}/g)?.join("\\n") ?? "",
    "in base64": (text) => Buffer.from(text).toString("base64"),
    "in base64 behind a byte": (text) => Buffer.from(`:${text}`).toString("base64"),
    "in base64url behind two bytes": (text) => Buffer.from(`u:${text}more`).toString("base64url"),
  };
  const cases = Object.entries(PARTS).flatMap(([what, text]) =>
    Object.entries(FORMS).map(([how, form]) => [what, how, form(text)] as const),
  );

  test.each(cases)("%s is hidden %s", (_, __, text) => {
    const shown = withoutSecrets(`The token "${text}" is wrong`, [TOKEN]);
    expect(shown).toMatch(/^The token ".{0,9}\[redacted\].{0,9}" is wrong$/);
  });

  test("and what is no part of it stays, with the blanks around what is", () => {
    const other = `eyJ${part("other", 900)}`;
    expect(withoutSecrets(`no ${other}`, [TOKEN])).toBe(`no ${other}`);
    expect(withoutSecrets(`a ${TOKEN} b: ${TOKEN.slice(-300)} c`, [TOKEN])).toBe(
      "a [redacted] b: [redacted] c",
    );
    for (const text of [
      "",
      "x".repeat(100_000),
      "\\u00".repeat(10_000),
      "&#".repeat(10_000),
      "\\\\".repeat(100_000),
    ])
      expect(withoutSecrets(text, [TOKEN])).toBe(text);
  });
});
