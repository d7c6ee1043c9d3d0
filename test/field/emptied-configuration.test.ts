import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  askReadiness,
  type Gateway,
  KEYS_TOML,
  METRICS_TOML,
  makeFolder,
  runGateway,
  runProgram,
  startGateway,
  until,
  upstreamToml,
} from "../kit/gateway.ts";
import { request } from "../kit/raw-client.ts";
import { describeKind } from "./kind.ts";
import { kind } from "./kinds/emptied-configuration.ts";

const UPSTREAM = upstreamToml("u", "openai", "http://127.0.0.1:9/v1");

describeKind(kind, () => {
  let gateway: Gateway;
  let good = "";
  beforeAll(async () => {
    gateway = await startGateway({ toml: METRICS_TOML + KEYS_TOML + UPSTREAM });
    good = readFileSync(gateway.configFile, "utf8");
  });
  afterAll(async () => await gateway?.close());

  const linesWith = (text: string): number => gateway.log().split(text).length - 1;
  const listModels = async (): Promise<number> => (await request(gateway.port, "/v1/models")).status;

  async function readiness(): Promise<string> {
    return await (await askReadiness(gateway.url)).text();
  }

  const head = (): string => good.slice(0, good.indexOf("[["));
  const WRITES: readonly (readonly [string, () => string, RegExp])[] = [
    ["reported: 0 bytes", () => "", /the file is empty/],
    ["comments alone", () => "# everything else was here\n\n", /the file is empty/],
    ["the listener alone", head, /there are no upstreams any more/],
    ["no keys", () => head() + UPSTREAM, /there are no keys any more/],
    ["no upstreams", () => head() + KEYS_TOML, /there are no upstreams any more/],
  ];

  for (const [name, text, words] of WRITES) {
    for (const how of ["in place", "by a rename"]) {
      test(`${name}, written ${how}, is kept out with words, until the file is whole again`, async () => {
        const [rejected, taken] = [linesWith("is not in effect"), linesWith("was taken over")];
        if (how === "in place") writeFileSync(gateway.configFile, text());
        else {
          writeFileSync(`${gateway.configFile}.next`, text());
          renameSync(`${gateway.configFile}.next`, gateway.configFile);
        }
        await until("it is rejected", () => linesWith("is not in effect") > rejected);
        expect(
          gateway
            .log()
            .split("\n")
            .findLast((line) => line.includes("is not in effect")),
        ).toMatch(words);
        expect(await listModels()).toBe(200);
        expect(await readiness()).toMatch(words);
        expect(
          gateway
            .log()
            .split("\n")
            .filter((line) => line.includes("was taken over")),
        ).toHaveLength(taken);
        writeFileSync(gateway.configFile, good);
        await until("it is taken over", () => linesWith("was taken over") > taken);
        expect(await listModels()).toBe(200);
        expect(await readiness()).toContain('"active"');
      });
    }
  }

  for (const text of ["", "\n# nothing\n"]) {
    test(`${JSON.stringify(text)} is a mistake at check and at a start`, async () => {
      const folder = makeFolder();
      const file = join(folder, "clewline.toml");
      writeFileSync(file, text, { mode: 0o600 });
      for (const command of ["check", "serve"]) {
        const { exitCode, err } = await runProgram([command, "--config", file], folder);
        expect([command, exitCode, err]).toEqual([
          command,
          78,
          expect.stringContaining("clewline.toml: the file is empty; restore it"),
        ]);
      }
      rmSync(folder, { recursive: true, force: true });
    });
  }

  test("a start without keys is warned of and goes on", async () => {
    const folder = makeFolder();
    const file = join(folder, "clewline.toml");
    writeFileSync(file, `[server]\nport = 0\ndata_dir = "${folder}/data"\n${UPSTREAM}`, { mode: 0o600 });
    const checked = await runProgram(["check", "--config", file], folder);
    expect(checked.exitCode).toBe(0);
    expect(checked.out).toContain("there are no keys, so every request is refused");
    const keyless = await runGateway(folder, file, ["serve", "--config", file]);
    expect(keyless.log()).toContain("there are no keys");
    expect((await fetch(`${keyless.url}/healthz`)).status).toBe(200);
    await keyless.close();
  });
});
