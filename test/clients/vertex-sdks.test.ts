// The official SDKs in their form of Vertex AI through the gateway, to Vertex AI and to other providers.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { AnthropicVertex } from "@anthropic-ai/vertex-sdk";
import { GoogleGenAI } from "@google/genai";
import { OAuth2Client } from "google-auth-library";
import { systemClock } from "../../src/core/clock.ts";
import { makeIds } from "../../src/core/ids.ts";
import { type Simulator, startSimulator } from "../../src/simulator/server/simulator.ts";
import { CLIENT_KEY, type Gateway, KEYS_TOML, plainEnv, startGateway, upstreamToml } from "../kit/gateway.ts";
import { isForToken, vertexToml } from "../kit/vertex.ts";

const ROOT = join(import.meta.dir, "../..");
const INSTALL_LIMIT_MS = 300_000;
const QUESTION = "Tell me of the labyrinth.";
const ANSWER = "naïve café in 東京 🙂.";

let simulator: Simulator;
let gateway: Gateway;

beforeAll(async () => {
  simulator = await startSimulator({ clock: systemClock, ids: makeIds() });
  gateway = await startGateway({
    toml: [
      KEYS_TOML,
      upstreamToml("anthropic", "anthropic", simulator.url),
      upstreamToml("gemini", "gemini", simulator.url),
      upstreamToml("openai", "openai", `${simulator.url}/v1`),
      vertexToml("vertex", simulator),
    ].join("\n"),
  });
});
afterAll(async () => {
  await gateway?.close();
  await simulator?.close();
});

/** The key of the gateway in the place of an access token of Google's. */
function bearer(): OAuth2Client {
  const client = new OAuth2Client();
  client.setCredentials({ access_token: CLIENT_KEY });
  return client;
}

const CLAUDES = ["claude-sonnet-5", "vertex/claude-sonnet-5", "openai/gpt-4.1", "gemini/gemini-2.5-flash"];

describe("@anthropic-ai/vertex-sdk", () => {
  const client = (): AnthropicVertex =>
    new AnthropicVertex({
      projectId: "any",
      region: "us-east5",
      authClient: bearer() as never,
      baseURL: `${gateway.url}/v1`,
    });
  const asked = (model: string) => ({
    model,
    max_tokens: 1_000,
    messages: [{ role: "user" as const, content: QUESTION }],
  });

  test.each(CLAUDES)("asks for %s, whole, streamed and counted", async (model) => {
    const whole = await client().messages.create(asked(model));
    expect(whole.content.map((block) => (block.type === "text" ? block.text : "")).join("")).toContain(
      ANSWER,
    );
    const stream = client().messages.stream(asked(model));
    expect(await stream.finalText()).toContain(ANSWER);
    const { max_tokens: _, ...counted } = asked(model);
    expect((await client().messages.countTokens(counted)).input_tokens).toBeGreaterThan(0);
  });

  test("hears an error as it hears Vertex AI's", async () => {
    const refused = async () => client().messages.create(asked("no-such-model"));
    await expect(refused()).rejects.toMatchObject({ status: 404 });
  });
});

describe("@google/genai", () => {
  const client = (): GoogleGenAI =>
    new GoogleGenAI({
      vertexai: true,
      project: "any",
      location: "us-east5",
      googleAuthOptions: { authClient: bearer() as never },
      httpOptions: { baseUrl: gateway.url },
    });

  test.each(["gemini-2.5-flash", "publishers/google/models/vertex/gemini-2.5-flash"])(
    "asks for %s, whole, streamed and counted",
    async (model) => {
      const asked = { model, contents: QUESTION };
      expect((await client().models.generateContent(asked)).text).toContain(ANSWER);
      let streamed = "";
      for await (const chunk of await client().models.generateContentStream(asked))
        streamed += chunk.text ?? "";
      expect(streamed).toContain(ANSWER);
      expect((await client().models.countTokens(asked)).totalTokens).toBeGreaterThan(0);
    },
  );

  test("gets vectors", async () => {
    const model = "publishers/google/models/vertex/gemini-embedding-001";
    const { embeddings } = await client().models.embedContent({ model, contents: "go" });
    expect(embeddings?.[0]?.values?.length).toBeGreaterThan(0);
  });
});

test(
  "the Python SDKs of both publishers ask in the form of Vertex AI, and google-auth's token request is the gateway's",
  async () => {
    const before = simulator.requests().at(-1)?.n ?? 0;
    // The gateway's own request for a token; SDKs before may have brought it about.
    simulator.revokeTokens();
    const install = Bun.spawn([join(ROOT, "script/install-python-sdks")], {
      stdin: "ignore",
      stderr: "inherit",
    });
    const python = (await install.stdout.text()).trim().split(" ");
    const child = Bun.spawn([...python, join(import.meta.dir, "python/vertex_client.py")], {
      env: {
        ...plainEnv(gateway.folder),
        GATEWAY_URL: gateway.url,
        GATEWAY_KEY: CLIENT_KEY,
        SERVICE_ACCOUNT: simulator.serviceAccount(),
      },
      stdin: "ignore",
      stderr: "pipe",
    });
    const [out, trouble] = await Promise.all([child.stdout.text(), child.stderr.text()]);
    if ((await child.exited) !== 0) throw new Error(trouble + out);
    const answered = { whole: expect.stringContaining(ANSWER), stream: expect.stringContaining(ANSWER) };
    expect(JSON.parse(out)).toEqual({
      token: expect.stringMatching(/^ya29\./),
      count: expect.any(Number),
      claude_count: expect.any(Number),
      "gemini-2.5-flash": answered,
      "vertex/gemini-2.5-flash": answered,
      "claude-sonnet-5": answered,
      "vertex/claude-sonnet-5": answered,
    });
    const [theirs, ours] = simulator.requests(before).filter(({ path }) => isForToken(path));
    expect(shownOf(ours)).toEqual(shownOf(theirs));
  },
  INSTALL_LIMIT_MS,
);

/** A request for a token, without its times and its signature. */
function shownOf(seen: ReturnType<Simulator["requests"]>[number] | undefined): unknown {
  const headers = new Map(seen?.headers.map(([name, value]) => [name.toLowerCase(), value]));
  const form = new URLSearchParams(Buffer.from(seen?.bodyBase64 ?? "", "base64").toString());
  const [head = "", claims = ""] = (form.get("assertion") ?? "").split(".");
  const read = (part: string) => JSON.parse(Buffer.from(part, "base64url").toString());
  // google-auth names Google's address as the audience, whatever the key's `token_uri`.
  const { iat, exp, aud: _, ...rest } = read(claims);
  return {
    method: seen?.method,
    path: seen?.path,
    type: headers.get("content-type")?.split(";")[0],
    fields: [...form.keys()].sort(),
    grant: form.get("grant_type"),
    head: read(head),
    claims: rest,
    lifetimeS: exp - iat,
  };
}
