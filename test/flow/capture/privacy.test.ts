// T23: no prompt is on the disk unless somebody has switched it on; what is deleted is gone, and copies leave it out.
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CLIENT_KEY, type Gateway, startGateway, until, upstreamToml } from "../../kit/gateway.ts";
import { request } from "../../kit/raw-client.ts";
import { type RawUpstream, sendWhole, startRawUpstream } from "../../kit/raw-upstream.ts";
import { CHAT } from "../../kit/recordings.ts";
import { ADMIN_TOML, type AdminClient, signIn } from "../admin/admin-client.ts";
import { capturedOf, capturingToml } from "./captured.ts";

const PROMPT = "canary-prompt-77ab";
const ANSWER = "canary-answer-90cd";

let upstream: RawUpstream;
let gateway: Gateway | null = null;
beforeAll(async () => {
  upstream = await startRawUpstream((one) => sendWhole(one, CHAT.whole.replace("The clew", ANSWER)));
});
afterAll(() => upstream?.close());
afterEach(async () => {
  await gateway?.close();
  gateway = null;
});

const upstreams = (): string => upstreamToml("openai", "openai", `${upstream.url}/v1`);

/** Every file below a folder that holds one of the words. */
function filesWithWords(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => {
    const path = join(folder, name);
    if (!statSync(path).isFile() || name.endsWith(".toml")) return false;
    const bytes = readFileSync(path);
    return bytes.includes(PROMPT) || bytes.includes(ANSWER);
  });
}

async function ask(): Promise<string> {
  const { port } = gateway as Gateway;
  const body = CHAT.body(false).replace('"go"', JSON.stringify(PROMPT));
  const reply = await request(port, CHAT.wholePath, { body });
  expect(reply.body.toString()).toContain(ANSWER);
  return reply.headers.get("x-request-id") as string;
}

const fileOf = (name: string): string => join((gateway as Gateway).folder, "data", name);
/** Waits until what was captured is in the file. */
async function untilWritten(admin: AdminClient, count: number): Promise<void> {
  await until("it is written", async () => (await admin("GET", "/captures")).body.count === count);
}

test.each([
  ["nothing of it in the configuration", "", ""],
  ["the gateway's switch alone", "[capture]\nenabled = true\n", ""],
  ["the key's switch alone", "", "capture = true\n"],
])("with %s, no prompt and no answer is on the disk", async (_, table, ofKey) => {
  const key = `[[keys]]\nname = "tester"\nkey = "${CLIENT_KEY}"\n${ofKey}`;
  gateway = await startGateway({ toml: [table, ADMIN_TOML, key, upstreams()].join("\n") });
  const admin = await signIn(gateway);
  const id = await ask();
  await gateway.row(id);
  expect((await admin("GET", `/requests/${id}/capture`)).status).toBe(404);
  expect(filesWithWords(gateway.folder)).toEqual([]);
  expect([existsSync(fileOf("capture.db")), existsSync(fileOf("capture.key"))]).toEqual([false, false]);
});

test("captured, both are on the disk sealed alone, and in no backup, export, list or log", async () => {
  gateway = await startGateway({ toml: [capturingToml(), upstreams()].join("\n") });
  const admin = await signIn(gateway);
  const id = await ask();
  await untilWritten(admin, 1);
  expect(JSON.stringify(await capturedOf(admin, id))).toContain(PROMPT);
  for (const name of ["capture.db", "capture.key"]) expect(statSync(fileOf(name)).mode & 0o777).toBe(0o600);
  const copies = join(gateway.folder, "copies");
  mkdirSync(copies);
  expect((await gateway.command("backup", join(copies, "copy.db"))).exitCode).toBe(0);
  expect(readdirSync(copies)).toEqual(["copy.db"]);
  const told = [
    (await gateway.command("requests", "--json")).out,
    (await gateway.command("usage", "--json")).out,
    (await admin("POST", "/settings/export", {})).text,
    (await admin("GET", `/requests/${id}`)).text,
    (await admin("GET", "/audit")).text,
    gateway.log(),
  ].join("\n");
  for (const words of [PROMPT, ANSWER]) expect(told).not.toContain(words);
  expect(filesWithWords(gateway.folder)).toEqual([]);
});

test("one is deleted, then all: nothing of them is left in any file", async () => {
  gateway = await startGateway({ toml: [capturingToml(), upstreams()].join("\n") });
  const admin = await signIn(gateway);
  const [first, second] = [await ask(), await ask()];
  await untilWritten(admin, 2);
  const sealed = readFileSync(fileOf("capture.db"));
  expect((await admin("DELETE", `/requests/${first}/capture`)).status).toBe(204);
  expect((await admin("DELETE", `/requests/${first}/capture`)).status).toBe(404);
  expect((await admin("GET", `/requests/${first}/capture`)).status).toBe(404);
  expect((await admin("GET", `/requests/${second}/capture`)).status).toBe(200);
  // Not even the sealed text is left in the file: a piece of it that was on its pages is overwritten.
  const left = readFileSync(fileOf("capture.db"));
  expect(left.byteLength).toBe(sealed.byteLength);
  expect(left.includes(first)).toBe(false);
  expect((await admin("DELETE", "/captures")).status).toBe(204);
  expect((await admin("GET", `/requests/${second}/capture`)).status).toBe(404);
  expect(readdirSync(join(gateway.folder, "data")).filter((name) => name.startsWith("capture"))).toEqual([]);
  expect(filesWithWords(gateway.folder)).toEqual([]);
  const { body } = await admin("GET", "/audit");
  expect(body.entries.map(({ what }: { what: string }) => what)).toEqual(["deleteCaptures", "deleteCapture"]);
});

test("it is switched on and off while the gateway runs; what was kept stays until it is deleted", async () => {
  gateway = await startGateway({
    toml: [capturingToml().replace("enabled = true", "enabled = false"), upstreams()].join("\n"),
  });
  const { configFile } = gateway;
  const admin = await signIn(gateway);
  // As it stands in the file, where the password is a hash by now: another one would end the session.
  const turn = (from: boolean): void =>
    writeFileSync(
      configFile,
      readFileSync(configFile, "utf8").replace(`enabled = ${from}`, `enabled = ${!from}`),
    );
  const isOn = async (): Promise<boolean> => (await admin("GET", "/captures")).body.isOn;
  const before = await ask();
  turn(false);
  await until("it is on", isOn);
  const during = await ask();
  await untilWritten(admin, 1);
  turn(true);
  await until("it is off", async () => !(await isOn()));
  const after = await ask();
  await gateway.row(after);
  for (const id of [before, after]) expect((await admin("GET", `/requests/${id}/capture`)).status).toBe(404);
  expect((await admin("GET", `/requests/${during}/capture`)).status).toBe(200);
});

test("nobody reads or deletes it who has not signed in", async () => {
  gateway = await startGateway({ toml: [capturingToml(), upstreams()].join("\n") });
  const { url } = gateway;
  const id = await ask();
  for (const [method, path] of [
    ["GET", "/captures"],
    ["DELETE", "/captures"],
    ["GET", `/requests/${id}/capture`],
    ["DELETE", `/requests/${id}/capture`],
  ] as const)
    for (const headers of [{}, { authorization: `Bearer ${CLIENT_KEY}` }])
      expect((await fetch(`${url}/admin/api${path}`, { method, headers })).status).toBe(401);
  expect((await capturedOf(await signIn(gateway), id)).id).toBe(id);
});

test("A67 no header of a client keeps its request, or another one, from being captured", async () => {
  gateway = await startGateway({ toml: [capturingToml(), upstreams()].join("\n") });
  const admin = await signIn(gateway);
  const secret = "s3cret/word+".repeat(1_000);
  const headers = { "x-odd-token": secret, ...Object.fromEntries(manySecrets()) };
  const body = CHAT.body(false).replace('"go"', JSON.stringify(`${secret} ${CLIENT_KEY}`));
  const { port } = gateway;
  const reply = await request(port, CHAT.wholePath, { body, headers });
  const id = reply.headers.get("x-request-id") as string;
  await untilWritten(admin, 1);
  const text = JSON.stringify(await capturedOf(admin, id));
  expect([text.includes(secret.slice(0, 200)), text.includes(CLIENT_KEY)]).toEqual([false, false]);
  await ask();
  await untilWritten(admin, 2);
  expect((await admin("GET", "/captures")).body).toMatchObject({ failure: null, missed: 0 });
});

function manySecrets(): [string, string][] {
  return Array.from({ length: 20 }, (_, n) => [`x-token-${n}`, `another-secret-${n}`]);
}
