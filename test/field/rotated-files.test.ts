import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { askReadiness, type Gateway, runProgram, startGateway, until, upstreamToml } from "../kit/gateway.ts";
import { request } from "../kit/raw-client.ts";
import { type Arrived, type RawUpstream, sendWhole, startRawUpstream } from "../kit/raw-upstream.ts";
import { CHAT, GEMINI, MESSAGES, type Recording } from "../kit/recordings.ts";
import { describeKind } from "./kind.ts";
import { kind } from "./kinds/rotated-files.ts";

/** "Within a second", and what a busy machine adds. */
const LIMIT_MS = 10_000;
const FAMILIES: readonly Recording[] = [CHAT, MESSAGES, GEMINI];
const RIGHTS = ["x-api-key", "authorization", "x-goog-api-key"];

/** The provider's key that a request shows. */
function keyOf(arrived: Arrived): string {
  const shown = RIGHTS.map((name) => arrived.headers.get(name)).find((value) => value !== undefined);
  return (shown ?? "").replace("Bearer ", "");
}

/** Ways to replace a file that people and their tools use. */
const WAYS: Readonly<Record<string, (file: string, text: string) => void | Promise<void>>> = {
  "by a rename": (file, text) => {
    writeFileSync(`${file}.next`, text);
    renameSync(`${file}.next`, file);
  },
  "in place": (file, text) => writeFileSync(file, text),
  "deleted and made again": async (file, text) => {
    rmSync(file);
    await Bun.sleep(600);
    writeFileSync(file, text);
  },
  "emptied and written slowly": async (file, text) => {
    writeFileSync(file, "");
    await Bun.sleep(600);
    writeFileSync(file, text);
  },
};

describeKind(kind, () => {
  let upstream: RawUpstream;
  let gateway: Gateway;
  /** The only key that the provider accepts. */
  let goodKey = "";
  let clientKey = "";
  let count = 0;

  beforeAll(async () => {
    upstream = await startRawUpstream(async (arrived) => {
      const recording = FAMILIES.find(({ wholePath }) => arrived.target.startsWith(wholePath)) ?? CHAT;
      if (keyOf(arrived) === goodKey) await sendWhole(arrived, recording.whole);
      else
        await sendWhole(
          arrived,
          '{"error":{"message":"Incorrect API key provided","code":"invalid_api_key"}}',
          undefined,
          "401 Unauthorized",
        );
    });
    goodKey = "sk-provider-0";
    clientKey = "clew-client-0";
    const key = { credentials: { main: "file:provider.key" } };
    gateway = await startGateway({
      toml: [
        '[metrics]\nkey = "file:metrics.key"\n[[keys]]\nname = "me"\nkey = "file:client.key"',
        upstreamToml("openai", "openai", `${upstream.url}/v1`, key),
        upstreamToml("anthropic", "anthropic", upstream.url, key),
        upstreamToml("gemini", "gemini", upstream.url, key),
      ].join("\n"),
      files: { "provider.key": `${goodKey}\n`, "client.key": clientKey, "metrics.key": "metrics-0" },
    });
  });
  afterEach(() => upstream.forget());
  afterAll(async () => {
    await gateway?.close();
    await upstream?.close();
  });

  const at = (name: string): string => join(gateway.folder, name);
  const ask = async (recording: Recording, key = clientKey): Promise<number> =>
    (await request(gateway.port, recording.wholePath, { key, body: recording.body(false) })).status;
  const linesWith = (text: string): number => gateway.log().split(text).length - 1;

  async function untilTaken(what: string, holds: () => Promise<boolean>): Promise<void> {
    await until(
      what,
      async () => {
        await Bun.sleep(50);
        return await holds();
      },
      LIMIT_MS,
    );
  }

  for (const [way, replace] of Object.entries(WAYS)) {
    test(`${way === "by a rename" ? "reported: " : ""}the key of an upstream, ${way}`, async () => {
      goodKey = `sk-provider-${++count}`;
      const [taken] = [linesWith("was taken over")];
      await replace(at("provider.key"), `${goodKey}\n`);
      await until("it is taken over", () => linesWith("was taken over") > taken, LIMIT_MS);
      for (const recording of FAMILIES) {
        // With its first request: a key that is gone has left no trace.
        expect([recording.name, await ask(recording)]).toEqual([recording.name, 200]);
      }
      expect(new Set(upstream.seen.map(keyOf))).toEqual(new Set([goodKey]));
    });

    test(`the keys of a client and of metrics, ${way}`, async () => {
      const before = clientKey;
      clientKey = `clew-client-${++count}`;
      const metrics = `metrics-${count}`;
      await Promise.all([replace(at("client.key"), clientKey), replace(at("metrics.key"), metrics)]);
      await untilTaken("the new key is served", async () => (await ask(CHAT)) === 200);
      expect(await ask(CHAT, before)).toBe(401);
      const read = async (): Promise<number> =>
        (await fetch(`${gateway.url}/metrics`, { headers: { authorization: `Bearer ${metrics}` } })).status;
      await untilTaken("the new metrics key is served", async () => (await read()) === 200);
    });
  }

  test("a key that the provider has revoked before: the new one is asked at once", async () => {
    goodKey = `sk-provider-${++count}`;
    expect(await ask(CHAT)).not.toBe(200);
    await WAYS["by a rename"]?.(at("provider.key"), goodKey);
    await untilTaken("the new key is used", async () => (await ask(CHAT)) === 200);
  });

  test("a link to another folder, as Kubernetes swaps it", async () => {
    for (const version of ["one", "two"]) {
      mkdirSync(at(version));
      writeFileSync(join(at(version), "provider.key"), `sk-linked-${version}`);
    }
    symlinkSync("one", at("..data"));
    rmSync(at("provider.key"));
    symlinkSync("..data/provider.key", at("provider.key"));
    goodKey = "sk-linked-one";
    await untilTaken("the key behind the link is used", async () => (await ask(CHAT)) === 200);
    symlinkSync("two", at("..data_tmp"));
    renameSync(at("..data_tmp"), at("..data"));
    goodKey = "sk-linked-two";
    await untilTaken("the swapped key is used", async () => (await ask(CHAT)) === 200);
    rmSync(at("provider.key"));
    writeFileSync(at("provider.key"), goodKey);
  });

  /** The key was replaced by a test before. */
  const readiness = async (): Promise<string> => {
    const key = readFileSync(at("metrics.key"), "utf8").trim();
    return await (await askReadiness(gateway.url, key)).text();
  };

  const BROKEN: readonly (readonly [string, (file: string) => void, string])[] = [
    ["empty", (file) => writeFileSync(file, ""), "the file is empty"],
    ["a line end alone", (file) => writeFileSync(file, "\n"), "the file is empty"],
    ["gone", (file) => rmSync(file), "the file cannot be read (ENOENT)"],
    ["of two lines", (file) => writeFileSync(file, "one\ntwo"), "no header can carry"],
    [
      "a folder",
      (file) => {
        rmSync(file);
        mkdirSync(file);
      },
      "this is not a file",
    ],
  ];
  for (const [name, spoil, words] of BROKEN) {
    test(`a secret file that is ${name}: the key before stays, and it is said once`, async () => {
      const before = linesWith("is not in effect");
      spoil(at("provider.key"));
      await until("it is said", () => linesWith("is not in effect") > before, LIMIT_MS);
      expect(await ask(CHAT)).toBe(200);
      expect(await readiness()).toContain(words);
      await Bun.sleep(600);
      // One line for each of the three credentials that read the file.
      expect(linesWith("is not in effect") - before).toBe(3);
      rmSync(at("provider.key"), { recursive: true, force: true });
      writeFileSync(at("provider.key"), goodKey);
      await untilTaken("it is well again", async () => (await readiness()).includes('"active"'));
      expect(await ask(CHAT)).toBe(200);
    });
  }

  test("reported: `clewline credentials` calls no key ready that the gateway does not use", async () => {
    const states = async (): Promise<string[]> =>
      (await gateway.command("credentials", "--json")).out
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line).state);
    await untilTaken("all are ready", async () => (await states()).every((state) => state === "ready"));
    // A fault elsewhere keeps the whole change out.
    rmSync(at("metrics.key"));
    await until("it is said", () => gateway.log().includes("metrics.key"), LIMIT_MS);
    goodKey = `sk-provider-${++count}`;
    const before = linesWith("is not in effect");
    writeFileSync(at("provider.key"), goodKey);
    await until("it is kept out", () => linesWith("is not in effect") > before, LIMIT_MS);
    writeFileSync(at("other.key"), "metrics");
    const config = await Bun.file(gateway.configFile).text();
    // The command itself can read all: it is the gateway that has not taken the key over yet.
    writeFileSync(at("elsewhere.toml"), config.replace("file:metrics.key", "file:other.key"), {
      mode: 0o600,
    });
    const { out } = await runProgram(["credentials", "--config", at("elsewhere.toml")], gateway.folder);
    expect(out).toContain("no gateway uses this key yet (the one before: ready)");
    expect(out).not.toMatch(/ready\s*\n/);
    writeFileSync(at("metrics.key"), "metrics");
    await untilTaken("all are ready", async () => (await states()).every((state) => state === "ready"));
    expect(await ask(CHAT)).toBe(200);
  });
});
