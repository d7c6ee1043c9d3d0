import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmod, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { makeIds } from "../../core/ids.ts";
import { loadConfig } from "../load.ts";
import { ConfigError, renderProblems } from "../problem.ts";
import { parseToml } from "../toml/toml.ts";
import { firstRun, firstRunFile } from "./first-run.ts";
import { ensureAdminPassword, withPassword } from "./password.ts";

const ids = makeIds();
const HASH = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGg";
const hashPassword = (text: string) =>
  Bun.password.hash(text, { algorithm: "argon2id", memoryCost: 8, timeCost: 1 });

let cwd = "";
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), "first-"));
});
afterAll(() => rm(cwd, { recursive: true, force: true }));

describe("the first start", () => {
  test("makes a private file that works, with the key and the password that are shown", async () => {
    const env = { HOME: cwd, XDG_CONFIG_HOME: join(cwd, "xdg") };
    const file = firstRunFile(env);
    const made = await firstRun({ file, ids, hashPassword });
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await stat(join(cwd, "xdg", "clewline"))).mode & 0o777).toBe(0o700);
    expect(await readdir(join(cwd, "xdg", "clewline"))).toEqual(["clewline.toml"]);
    const { config, warnings } = await loadConfig({ file, env, flags: {}, cwd });
    expect(warnings.map((warning) => warning.message)).toEqual([
      "there are no upstreams, so no model can be reached",
    ]);
    expect(config.keys[0]?.keySha256).toBe(
      new Bun.CryptoHasher("sha256").update(made.clientKey).digest("hex"),
    );
    expect(await Bun.password.verify(made.adminPassword, config.admin?.passwordHash ?? "")).toBe(true);
    expect(await readFile(file, "utf8")).not.toContain(made.adminPassword);
  });

  test("leaves an example that works once its # are taken away", async () => {
    const file = join(cwd, "example.toml");
    await firstRun({ file, ids, hashPassword });
    const text = (await readFile(file, "utf8")).replaceAll(/^# (?=\[\[|name|family|api_key)/gm, "");
    await writeFile(file, text);
    const env = { HOME: cwd, ANTHROPIC_API_KEY: "x" };
    const { config, warnings } = await loadConfig({ file, env, flags: {}, cwd });
    expect(warnings).toEqual([]);
    expect(config.upstreams[0]?.credentials[0]?.apiKey).toBe("x");
  });

  test("never overwrites a file", async () => {
    const file = join(cwd, "there.toml");
    await writeFile(file, "# mine");
    await expect(firstRun({ file, ids, hashPassword })).rejects.toThrow("the file already exists");
    expect(await readFile(file, "utf8")).toBe("# mine");
  });

  test("says so when the place cannot be written", async () => {
    await writeFile(join(cwd, "plain"), "");
    const failed = firstRun({ file: join(cwd, "plain", "clewline.toml"), ids, hashPassword });
    await expect(failed).rejects.toBeInstanceOf(ConfigError);
  });
});

describe("the admin's password", () => {
  async function ensure(text: string, env: Readonly<Record<string, string>> = {}) {
    const file = join(cwd, "password.toml");
    await writeFile(file, text, { mode: 0o640 });
    await chmod(file, 0o640);
    const result = await ensureAdminPassword({ file, env, cwd, ids, hashPassword });
    return { ...result, file, after: await readFile(file, "utf8") };
  }

  test("is made when [admin] has none, and kept as a hash", async () => {
    const { madePassword, after, file } = await ensure(
      "# top\n[admin] # on\n\n[log]\nlevel = 'warn' # quiet  \n",
    );
    const { config } = await loadConfig({ file, env: { HOME: cwd }, flags: {}, cwd });
    expect(await Bun.password.verify(madePassword ?? "", config.admin?.passwordHash ?? "")).toBe(true);
    expect(after).toBe(
      `# top\n[admin] # on\npassword = "${config.admin?.passwordHash}"\n\n[log]\nlevel = 'warn' # quiet  \n`,
    );
    expect((await stat(file)).mode & 0o777).toBe(0o640);
  });

  test("is replaced by its hash when it can be read", async () => {
    const { madePassword, after, file } = await ensure("[admin]\npassword = 'open sesame' # change me\n");
    expect(madePassword).toBeNull();
    expect(after).toEndWith('" # change me\n');
    expect(after).not.toContain("sesame");
    const { config } = await loadConfig({ file, env: { HOME: cwd }, flags: {}, cwd });
    expect(await Bun.password.verify("open sesame", config.admin?.passwordHash ?? "")).toBe(true);
  });

  test("is left alone without [admin], as a hash, as a reference, and when the environment gives one", async () => {
    for (const text of [
      "[log]\n",
      `[admin]\npassword = "${HASH}"\n`,
      '[admin]\npassword = "env:WORD"\n',
      "[admin]\npassword = 5\n",
    ]) {
      expect(await ensure(text)).toMatchObject({ madePassword: null, after: text, warnings: [] });
    }
    const text = "[admin]\n";
    expect(await ensure(text, { CLEWLINE_ADMIN__PASSWORD: "x" })).toMatchObject({
      madePassword: null,
      after: text,
    });
  });

  test("stays where it is when the file is a link", async () => {
    const link = join(cwd, "link.toml");
    await writeFile(join(cwd, "target.toml"), "[admin]\n");
    await symlink("target.toml", link);
    await ensureAdminPassword({ file: link, env: {}, cwd, ids, hashPassword });
    expect(await readFile(join(cwd, "target.toml"), "utf8")).toContain("argon2id");
    expect(await Bun.$`readlink ${link}`.text()).toBe("target.toml\n");
  });

  test("that cannot be kept is not made, and one that can be read is used with a warning", async () => {
    // A folder in the place of the temporary file stands in for a file system that refuses the write, also to
    // root.
    const fixed = { ...ids, hex: (bytes: number) => "ab".repeat(bytes) };
    const file = join(cwd, "fixed.toml");
    await writeFile(`${file}.abababab.tmp`, "");
    await writeFile(file, "[admin]\n");
    const make = () => ensureAdminPassword({ file, env: {}, cwd, ids: fixed, hashPassword });
    await expect(make()).rejects.toThrow("the file cannot be changed (EEXIST)");
    await writeFile(file, "[admin]\npassword = 'open sesame'\n");
    const { warnings } = await make();
    expect(renderProblems(warnings)).toStartWith("fixed.toml admin.password: can be read in the file");
    expect(await readFile(file, "utf8")).toContain("open sesame");
  });

  test("is the only thing that an edit changes", () => {
    const lines = fc.array(
      fc.constantFrom(
        "# note",
        "",
        "  ",
        "level = 'x'  # é",
        "d = 1979-05-27",
        "n = 99999999999999999999",
        "t = '''\n[admin]\n'''",
        "[[keys]]",
        "[a.b]",
      ),
      { maxLength: 5 },
    );
    const admin = fc.constantFrom(
      "[admin]",
      "  [admin]  # on",
      "[ admin ]\npassword='x'",
      '[admin]\n# note\n"password" = """x\ny""" # z',
      "[admin]\n\tpassword\t=\t'x'",
    );
    fc.assert(
      fc.property(
        lines,
        admin,
        lines,
        fc.constantFrom("\n", "\r\n"),
        fc.constantFrom("", "\ufeff"),
        (before, own, after, newline, mark) => {
          const text = mark + [...before, own, "[z]", ...after].join("\n").replaceAll("\n", newline);
          try {
            parseToml(text);
          } catch {
            fc.pre(false);
          }
          const edited = withPassword(text, HASH);
          expect(parseToml(edited).root.admin).toEqual(
            Object.assign(Object.create(null), { password: HASH }),
          );
          const removed = edited.replace(`"${HASH}"`, "");
          // What is left is the old text without its value, or with one line more.
          const start = removed.slice(0, edited.indexOf(`"${HASH}"`)).replace(/\r?\npassword = $/, "");
          expect(text.startsWith(start)).toBe(true);
          expect(text.endsWith(edited.slice(edited.indexOf(`"${HASH}"`) + HASH.length + 2))).toBe(true);
        },
      ),
    );
  });
});
