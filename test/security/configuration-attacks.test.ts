// Names that every object of the language has, in a configuration: they are names like others, or mistakes that are named.
import { afterAll, describe, expect, test } from "bun:test";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { KEYS_TOML, makeFolder, runProgram, upstreamToml } from "../kit/gateway.ts";

const folder = makeFolder();
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const GOOD = [KEYS_TOML, upstreamToml("openai", "openai", "https://api.openai.com/v1")].join("\n");

async function check(toml: string) {
  const file = join(folder, "clewline.toml");
  writeFileSync(file, toml, { mode: 0o600 });
  return await runProgram(["check", "--config", file], folder);
}

describe("a table or key named", () => {
  test.each([
    '[__proto__]\npolluted = "yes"',
    "[server.__proto__]\nport = 1",
    '[constructor.prototype]\npolluted = "yes"',
    "[server]\n__proto__ = { port = 1 }",
    '["__proto__".admin]\npassword = "a long password"',
    '[[__proto__]]\nname = "x"',
    "[hasOwnProperty]\na = 1",
  ])("%j is a mistake that is named", async (toml) => {
    const { exitCode, out, err } = await check(`${toml}\n${GOOD}`);
    expect(exitCode).toBeGreaterThan(0);
    expect(out + err).toMatch(/__proto__|constructor|hasOwnProperty/);
    expect(out + err).not.toMatch(/TypeError|RangeError|\bat .*\.ts:\d/);
  });
});

describe("an entry named", () => {
  test.each(["constructor", "prototype", "valueof", "__proto__"])("%s is one like others", async (name) => {
    const entries = [
      `[[keys]]\nname = "${name}"\nkey = "clw-another-key-0123456789abcdef"\nmodels = ["${name}"]\n`,
      upstreamToml(name.replace(/^_+/, "x"), "openai", "https://api.deepseek.com/v1", {
        credentials: { [name]: "sk-0123456789abcdef" },
      }),
      `[[models]]\nname = "${name}"\ntargets = ["openai/${name}"]\n`,
    ];
    const { exitCode, out, err } = await check([GOOD, ...entries].join("\n"));
    expect([exitCode, out + err]).toEqual([0, expect.not.stringMatching(/TypeError/)]);
  });
});
