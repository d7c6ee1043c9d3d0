import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { loadConfig } from "./load.ts";
import { ConfigError, renderProblems } from "./problem.ts";
import { configSchemaEntries } from "./schema-entries.ts";

const RUNS = { numRuns: 400 };

let cwd = "";
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), "config-"));
});
afterAll(() => rm(cwd, { recursive: true, force: true }));

/** What is said about a file, in every form it is said in; "" for a good one without doubts. */
async function said(text: string, env: Readonly<Record<string, string>> = {}): Promise<string> {
  const file = join(cwd, "clewline.toml");
  await writeFile(file, text);
  try {
    const { warnings } = await loadConfig({ file, env: { HOME: cwd, ...env }, flags: {}, cwd });
    return renderProblems(warnings) + JSON.stringify(warnings);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return `${renderProblems(error.problems)}${JSON.stringify(error.problems)}${error.message}${error.stack}`;
  }
}

const GOOD = `# a whole file
[server]
host = "127.0.0.1"
port = 8484
hosts = ["a.example", 'b.example']
tls = { cert_file = "clewline.toml", key_file = "clewline.toml" }
[admin]
password = """
word"""
[metrics]
port = 0x2345
[[upstreams]]
name = "a"
family = "openai"
base_url = "https://api.example.com/v1"
[[upstreams.credentials]]
name = "main"
api_key = "abcdef"
priority = -1
[[keys]]
name = "me"
key = "uvwxyz"
[[models]]
name = "fast-*"
targets = ["a/x-*", "a/y"]
`;

test("the whole file is good before it is spoiled", async () => {
  expect(await said(GOOD)).not.toContain("unknown");
});

test("a spoiled file is refused or taken, and nothing else happens", async () => {
  const piece = fc.constantFrom(
    ..."[]{}=\"'.,#\n\\0\u0000\ufeff".split(""),
    "[[",
    "__proto__",
    "env:",
    "\r",
    "1e999",
    "2026-01-01",
    "a.b.c",
    "inf",
  );
  const edit = fc.tuple(fc.nat(GOOD.length), fc.nat(12), fc.oneof(piece, fc.string()));
  await fc.assert(
    fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 4 }), async (edits) => {
      let text = GOOD;
      for (const [at, length, put] of edits) text = text.slice(0, at) + put + text.slice(at + length);
      await said(text);
    }),
    RUNS,
  );
});

test("any values at all are refused or taken, and nothing else happens", async () => {
  const scalar = fc.oneof(
    fc.string().map((text) => JSON.stringify(text)),
    fc.integer().map(String),
    fc.constantFrom(
      "true",
      "nan",
      "1979-05-27",
      "07:32:00",
      "[]",
      "{}",
      "[[1]]",
      "[{}]",
      "{ a = { b = [] } }",
      '""',
    ),
  );
  const keys = configSchemaEntries().map((entry) => entry.key);
  const line = fc.tuple(fc.constantFrom(...keys, "keys[]", "upstreams[]", "server", "server.tls"), scalar);
  await fc.assert(
    fc.asyncProperty(fc.array(line, { maxLength: 6 }), async (lines) => {
      await said(lines.map(([key, value]) => `${key.replaceAll("[]", "")} = ${value}`).join("\n"));
      await said(lines.map(([key, value]) => toList(key, value)).join("\n"));
    }),
    RUNS,
  );
});

/** `keys[].name` becomes an entry of a list of tables of its own. */
function toList(key: string, value: string): string {
  const list = key.lastIndexOf("[].");
  if (list < 0) return "";
  const table = key.slice(0, list).replaceAll("[]", "");
  const parent = key.includes("credentials") ? "[[upstreams]]\n" : "";
  return `${parent}[[${table}]]\n${key.slice(list + 3)} = ${value}`;
}

const SECRETS = [
  "sk-ant-api03-AbCdEfGhIjKlMnOpQrStUvWxYz0123456789-_AA",
  "sk-proj-T3BlbkFJabcdefghijkl",
  "AIzaSyA1234567890abcdefghijklmnopqrstuv",
  "clew-0123456789abcdef0123456789abcdef0123456789abcdef",
  "123e4567-e89b-42d3-a456-426614174000",
  "0123456789abcdef0123456789abcdef",
];

test("a provider's key is in no message, wherever in the file it was put by mistake", async () => {
  const keys = configSchemaEntries().map((entry) => entry.key);
  for (const secret of SECRETS) {
    for (const key of keys) {
      for (const value of [
        `"${secret}"`,
        secret,
        `["${secret}"]`,
        `{ ${secret} = 1 }`,
        `"${secret}`,
        `"env:${secret}"`,
        `"file:${secret}"`,
        `"https://x:${secret}@a.example"`,
        `"https://a.example/?key=${secret}"`,
      ]) {
        const text = `${key.replaceAll("[]", "")} = ${value}\n`;
        expect([key, value, (await said(text)).includes(secret)]).toEqual([key, value, false]);
        const list = toList(key, value);
        expect([list, (await said(list)).includes(secret)]).toEqual([list, false]);
      }
    }
    for (const text of [
      secret,
      `${secret} = 1`,
      `[${secret}]`,
      `"${secret}" = "x"`,
      `[[keys]]\n"${secret}" = 1`,
      `[keys\n# ${secret}`,
    ]) {
      expect([text, (await said(text)).includes(secret)]).toEqual([text, false]);
    }
  }
});

test("a word in the place of a secret is in no message, whatever it looks like", async () => {
  const word = fc.stringMatching(/^[a-z][a-z ]{7,20}[A-Z]$/);
  await fc.assert(
    fc.asyncProperty(word, async (secret) => {
      const texts = [
        `[[keys]]\nname = "me"\nkey = "${secret}"\n[[keys]]\nname = "me"\nkey = "${secret}"`,
        `[[upstreams]]\n[[upstreams.credentials]]\napikey = "${secret}"`,
        `[[upstreams]]\n[[upstreams.credentials]]\napi_key = ["${secret}"]`,
        `[[keys]]\nkey = ${secret}`,
        `[[keys]]\nkey = "${secret}`,
        `[[keys]]\nkey = "${secret}\\q"`,
        `[admin]\npassword = '$argon2id$${secret}'\nport = 1`,
        `[admin]\nPassword = "${secret}"`,
      ];
      for (const text of texts) expect([text, (await said(text)).includes(secret)]).toEqual([text, false]);
      expect(
        (await said("", { CLEWLINE_METRICS__KEY: `${secret} x`, CLEWLINE_ADMIN_PASWORD: secret })).includes(
          secret,
        ),
      ).toBe(false);
    }),
    { numRuns: 60 },
  );
});

test("no message holds a character that a terminal obeys", async () => {
  const text = await said('[server]\nhost = "\\u001b[2Ja\\u009b31m"\n"\\u001b]0;x\\u0007" = 1\n');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  expect(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/.test(text)).toBe(false);
});
