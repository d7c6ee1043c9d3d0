import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Config } from "../config.ts";
import { loadConfig } from "../load.ts";
import { ConfigError, renderProblems } from "../problem.ts";

let cwd = "";

beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), "clewline-google-"));
});
afterAll(() => rm(cwd, { recursive: true }));

const { privateKey } = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  privateKeyEncoding: { type: "pkcs8", format: "pem" },
  publicKeyEncoding: { type: "spki", format: "pem" },
});
const ACCOUNT = {
  type: "service_account",
  project_id: "my-project",
  private_key: privateKey,
  client_email: "robot@my-project.iam.gserviceaccount.com",
  token_uri: "https://oauth2.googleapis.com/token",
};
const USER = { type: "authorized_user", client_id: "id", client_secret: "s", refresh_token: "r" };
const WORKLOAD = {
  type: "external_account",
  audience: "//iam.googleapis.com/x",
  subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
  token_url: "https://sts.googleapis.com/v1/token",
  credential_source: { file: "/var/run/token" },
};

interface Asked {
  readonly apiKey: string;
  readonly lines?: string;
  readonly upstream?: string;
  readonly server?: string;
  readonly env?: Readonly<Record<string, string>>;
}

async function load({ apiKey, lines = "", upstream = "", server = "", env = {} }: Asked): Promise<Config> {
  const file = join(cwd, "clewline.toml");
  const text = `[server]\n${server}\n[[upstreams]]\nname = "v"\nfamily = "vertex"\n${upstream}\n[[upstreams.credentials]]\nname = "a"\napi_key = '''${apiKey}'''\n${lines}\n[[keys]]\nname = "me"\nkey = "k"\n`;
  await writeFile(file, text, { mode: 0o600 });
  return (await loadConfig({ file, env: { HOME: cwd, ...env }, flags: {}, cwd })).config;
}

async function problems(asked: Asked): Promise<string> {
  try {
    await load(asked);
    return "";
  } catch (error) {
    if (error instanceof ConfigError) return renderProblems(error.problems);
    throw error;
  }
}

const secretOf = ({ upstreams }: Config): string => upstreams[0]?.credentials[0]?.apiKey ?? "";

describe("credentials of Vertex AI are", () => {
  test("the JSON key of a service account, which knows its project", async () => {
    const text = JSON.stringify(ACCOUNT);
    expect(secretOf(await load({ apiKey: text }))).toBe(text);
  });

  test("an API key, which needs no project", async () => {
    expect(secretOf(await load({ apiKey: "AIza-0123" }))).toBe("AIza-0123");
  });

  test("any of Google's forms in a file", async () => {
    await writeFile(join(cwd, "user.json"), JSON.stringify(USER));
    await writeFile(join(cwd, "workload.json"), JSON.stringify(WORKLOAD));
    for (const name of ["user", "workload"]) {
      const config = await load({ apiKey: `file:${name}.json`, lines: 'project = "p"\nregion = "eu"' });
      expect(JSON.parse(secretOf(config))).toHaveProperty("type");
      expect(config.upstreams[0]?.credentials[0]).toMatchObject({ project: "p", region: "eu" });
    }
  });

  test("those of the machine: the named file, then gcloud's, then the metadata server", async () => {
    const lines = 'project = "p"';
    const metadata = await load({ apiKey: "application-default", lines });
    expect(secretOf(metadata)).toBe('{"type":"metadata_server"}');
    await mkdir(join(cwd, ".config/gcloud"), { recursive: true });
    await writeFile(join(cwd, ".config/gcloud/application_default_credentials.json"), JSON.stringify(USER));
    expect(secretOf(await load({ apiKey: "application-default", lines }))).toBe(JSON.stringify(USER));
    await writeFile(join(cwd, "named.json"), JSON.stringify(ACCOUNT));
    const env = { GOOGLE_APPLICATION_CREDENTIALS: "named.json" };
    const named = await load({ apiKey: "application-default", env });
    expect(secretOf(named)).toBe(JSON.stringify(ACCOUNT));
    expect(named.readFiles.map(({ path }) => path)).toContain(join(cwd, "named.json"));
  });

  test("those of the metadata server alone", async () => {
    const env = { GCE_METADATA_HOST: "127.0.0.1:8080" };
    const config = await load({ apiKey: "metadata-server", lines: 'project = "p"', env });
    expect(secretOf(config)).toBe('{"type":"metadata_server","host":"127.0.0.1:8080"}');
  });
});

const PASTED = JSON.stringify(ACCOUNT);
const EXECUTABLE = { ...WORKLOAD, credential_source: { executable: { command: "/bin/token" } } };

describe("is refused with its repair:", () => {
  test.each([
    ["no JSON", { apiKey: "{nothing" }, "is not valid JSON"],
    ["no type", { apiKey: "{}" }, 'has no "type"'],
    ["an unknown type", { apiKey: '{"type":"gdch_service_account"}' }, "a type that is not known"],
    ["a pasted login", { apiKey: JSON.stringify(USER), lines: 'project = "p"' }, "taken from a file alone"],
    [
      "pasted workload identity",
      { apiKey: JSON.stringify(WORKLOAD), lines: 'project = "p"' },
      "taken from a file alone",
    ],
    [
      "a pasted word of our own",
      { apiKey: '{"type":"metadata_server"}', lines: 'project = "p"' },
      "taken from a file alone",
    ],
    [
      "a token_uri elsewhere",
      { apiKey: PASTED.replace("oauth2.googleapis.com", "oauth2.googleapis.com.evil.example") },
      'a "token_uri" that is not an https URL of a host of Google\'s',
    ],
    [
      "a token_uri of this machine",
      { apiKey: PASTED.replace("https://oauth2.googleapis.com", "http://127.0.0.1:9") },
      'a "token_uri" that is not',
    ],
    [
      "a cut private key",
      { apiKey: PASTED.replace("BEGIN PRIVATE KEY", "BEGIN KEY") },
      "not an RSA key in PEM",
    ],
    ["no project", { apiKey: "metadata-server" }, "has no project"],
    [
      "a project that leads elsewhere",
      { apiKey: PASTED, lines: 'project = "p/../q"' },
      "is not the id of a project",
    ],
    [
      "a region that is a host",
      { apiKey: PASTED, lines: 'region = "evil.example/"' },
      "is not the name of a region",
    ],
    [
      "a project within the key that leads elsewhere",
      { apiKey: PASTED.replace('"my-project"', '"p/locations/x"') },
      'has no good "project_id"',
    ],
  ] as const)("%s", async (_, asked, message) => {
    expect(await problems(asked)).toContain(message);
  });

  test("a program, unless programs may run", async () => {
    await writeFile(join(cwd, "program.json"), JSON.stringify(EXECUTABLE));
    const asked = { apiKey: "file:program.json", lines: 'project = "p"' };
    expect(await problems(asked)).toContain("would run a program");
    expect(await problems({ ...asked, server: "allow_credential_programs = true" })).toBe("");
  });

  test("a project of another family", async () => {
    const asked = { apiKey: "AIza", lines: 'project = "p"' };
    const file = join(cwd, "other.toml");
    await writeFile(
      file,
      `[[upstreams]]\nname = "o"\nfamily = "openai"\n[[upstreams.credentials]]\nname = "a"\napi_key = "${asked.apiKey}"\n${asked.lines}\n`,
      { mode: 0o600 },
    );
    const loaded = loadConfig({ file, env: {}, flags: {}, cwd });
    expect(loaded).rejects.toThrow("has no meaning for this family");
  });
});

test("a simulator of this machine may give tokens where the upstream is", async () => {
  const apiKey = PASTED.replace("https://oauth2.googleapis.com", "http://127.0.0.1:8585");
  expect(await problems({ apiKey, upstream: 'base_url = "http://127.0.0.1:8585"' })).toBe("");
  expect(await problems({ apiKey, upstream: 'base_url = "http://127.0.0.1:8586"' })).toContain("token_uri");
  expect(await problems({ apiKey, upstream: 'base_url = "http://10.0.0.1:8585"' })).toContain("token_uri");
});

test("no problem shows a part of the key", async () => {
  const spoiled = PASTED.replace("BEGIN PRIVATE KEY", "BEGIN KEY");
  const said = await problems({ apiKey: spoiled });
  expect(said).not.toContain(privateKey.slice(40, 80));
});
