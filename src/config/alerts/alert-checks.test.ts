import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig } from "../load.ts";
import { ConfigError, renderProblems } from "../problem.ts";
import { ALERT_EVENTS } from "./schema-alerts.ts";

const SECRET = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;

let cwd = "";
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), "alert-checks-"));
});
afterAll(() => rm(cwd, { recursive: true, force: true }));

async function load(alerts: string, env: Readonly<Record<string, string>> = {}) {
  const file = join(cwd, "clewline.toml");
  await writeFile(file, `[alerts]\n${alerts}\n`, { mode: 0o600 });
  return loadConfig({ file, env: { HOME: cwd, ...env }, flags: {}, cwd });
}

/** What is said to be wrong; "" for nothing. */
async function problemsOf(alerts: string, env: Readonly<Record<string, string>> = {}): Promise<string> {
  try {
    await load(alerts, env);
    return "";
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return renderProblems(error.problems);
  }
}

test("without the table there is no webhook, and every event would be told", async () => {
  expect((await load("")).config.alerts).toEqual({
    webhook: null,
    secret: null,
    format: "event",
    events: [...ALERT_EVENTS],
    allowPrivate: false,
    diskFreeBytes: 1_073_741_824,
  });
});

test("the address and the secret are read as all secrets are", async () => {
  await writeFile(join(cwd, "signing.key"), `${SECRET}\n`);
  const { config } = await load(
    'webhook = "env:HOOK"\nsecret = "file:signing.key"\nevents = ["disk.low"]\nformat = "chat"',
    { HOOK: "https://hooks.example.com/T1/abc?d=e" },
  );
  expect(config.alerts).toMatchObject({
    webhook: "https://hooks.example.com/T1/abc?d=e",
    secret: SECRET,
    events: ["disk.low"],
    format: "chat",
  });
  expect(config.readFiles.map(({ path }) => path)).toContain(join(cwd, "signing.key"));
});

test("a private address and http are taken when that is allowed", async () => {
  for (const url of [
    "http://127.0.0.1:9000/",
    "http://localhost/",
    "http://chat.internal/x",
    "https://[fd00::1]/",
  ])
    expect([url, await problemsOf(`webhook = "${url}"\nallow_private = true`)]).toEqual([url, ""]);
});

const HOOK = 'webhook = "https://hooks.example.com/secret-path"';
const PRIVATE = "leads to no public address; set alerts.allow_private = true if it is meant\n";

for (const [what, toml, said] of [
  ["text that is no URL", 'webhook = "hooks.example.com"', "is not an https URL"],
  ["another scheme", 'webhook = "ftp://hooks.example.com/"', "is not an https URL"],
  ["a URL that cannot be read", 'webhook = "https://[::1"', "is not an https URL"],
  ["an empty address", 'webhook = " "', "is empty"],
  ["a user name", 'webhook = "https://me:word@hooks.example.com/"', "holds a user name or password"],
  ["loopback", 'webhook = "https://127.0.0.1/"', PRIVATE],
  ["a cloud's metadata", 'webhook = "https://169.254.169.254/latest"', PRIVATE],
  ["loopback in another spelling", 'webhook = "https://2130706433/"', PRIVATE],
  ["private IPv6", 'webhook = "https://[fd00::1]/"', PRIVATE],
  ["this machine's name", 'webhook = "https://LOCALHOST./"', PRIVATE],
  ["http", 'webhook = "http://hooks.example.com/"', "is of http, so anybody on the way can read the alerts"],
  ["a variable that is not set", 'webhook = "env:NO_HOOK"', "NO_HOOK is not set"],
  ["a secret without the prefix", `${HOOK}\nsecret = "${SECRET.slice(6)}"`, "is not the secret of a webhook"],
  [
    "a short secret",
    `${HOOK}\nsecret = "whsec_c2hvcnQ="`,
    'make one: echo "whsec_$(openssl rand -base64 32)"',
  ],
  [
    "a secret that is not base64",
    `${HOOK}\nsecret = "whsec_${"-".repeat(44)}"`,
    "is not the secret of a webhook",
  ],
  [
    "a secret that signs nothing",
    `secret = "${SECRET}"`,
    "signs nothing, because there is no alerts.webhook",
  ],
  ["an unknown event", `${HOOK}\nevents = ["disk.full"]`, "disk.low"],
  ["an unknown format", `${HOOK}\nformat = "slack"`, '"event" or "chat"'],
  ["a negative size", `${HOOK}\ndisk_free_bytes = -1`, "must be a whole number from 0 to"],
] as const) {
  test(`refused: ${what}`, async () => {
    const problems = await problemsOf(toml);
    expect(problems).toContain(said);
    expect(problems).not.toContain("secret-path");
    expect(problems).not.toContain("word@");
    expect(problems).not.toContain(SECRET.slice(6));
  });
}
