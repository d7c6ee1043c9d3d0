// Claude Code itself, signed in at its provider, through a gateway that passes its login on. In the full form only: it is
// large.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../src/core/clock.ts";
import { makeIds } from "../../src/core/ids.ts";
import { type Simulator, startSimulator } from "../../src/simulator/server/simulator.ts";
import {
  CLIENT_KEY,
  type Gateway,
  IS_FULL,
  KEYS_TOML,
  plainEnv,
  startGateway,
  upstreamToml,
} from "../kit/gateway.ts";

const PROMPT = "Tell me of the labyrinth.";
const LOGIN = "sk-ant-oat01-login-of-a-subscription";
const RUN_LIMIT_MS = 120_000;
const INSTALL_LIMIT_MS = 600_000;

if (IS_FULL) {
  let simulator: Simulator;
  let gateway: Gateway;
  let commands: string;

  beforeAll(async () => {
    const install = Bun.spawn([join(import.meta.dir, "../../script/install-genuine-clients")], {
      stdin: "ignore",
      stderr: "inherit",
    });
    commands = (await install.stdout.text()).trim();
    if ((await install.exited) !== 0) throw new Error("the command lines could not be installed");
    simulator = await startSimulator({ clock: systemClock, ids: makeIds() });
    const own = { lines: "caller_credentials = true", credentials: {} };
    gateway = await startGateway({
      toml: [KEYS_TOML, upstreamToml("anthropic", "anthropic", simulator.url, own)].join("\n"),
    });
  }, INSTALL_LIMIT_MS);
  afterAll(async () => {
    await gateway?.close();
    await simulator?.close();
  });

  test.each([
    // A login of a subscription, as `claude setup-token` makes one; the API key of a member of a team.
    ["CLAUDE_CODE_OAUTH_TOKEN", "authorization", `Bearer ${LOGIN}`],
    ["ANTHROPIC_AUTH_TOKEN", "authorization", `Bearer ${LOGIN}`],
    ["ANTHROPIC_API_KEY", "x-api-key", LOGIN],
  ])(
    "Claude Code with its login in %s: its provider sees exactly that",
    async (variable, header, value) => {
      const home = join(gateway.folder, variable);
      mkdirSync(join(home, "work"), { recursive: true });
      const before = simulator.requests().length;
      const child = Bun.spawn([join(commands, "claude"), "-p", PROMPT], {
        cwd: join(home, "work"),
        env: {
          ...plainEnv(home),
          TERM: "dumb",
          ANTHROPIC_BASE_URL: gateway.url,
          [variable]: LOGIN,
          ANTHROPIC_CUSTOM_HEADERS: `x-clewline-key: ${CLIENT_KEY}`,
          CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
        },
        stdin: "ignore",
        stderr: "pipe",
        timeout: RUN_LIMIT_MS,
      });
      const [out, trouble] = await Promise.all([child.stdout.text(), child.stderr.text()]);
      expect([await child.exited, trouble]).toEqual([0, ""]);
      expect(out).toContain(`You said: “${PROMPT}”`);
      const seen = simulator.requests().slice(before);
      expect(seen.length).toBeGreaterThan(0);
      for (const { headers } of seen) {
        const shown = new Headers(headers.map(([name, text]) => [name, text] as [string, string]));
        expect(shown.get(header)).toBe(value);
        expect(shown.get(header === "x-api-key" ? "authorization" : "x-api-key")).toBeNull();
        expect(JSON.stringify(headers)).not.toContain(CLIENT_KEY);
      }
      const rows = (await gateway.rows()).filter(({ outcome }) => outcome === "ok");
      expect(rows.at(-1)).toMatchObject({ key: "tester", credential: "caller's own", status: 200 });
      expect(gateway.log()).not.toContain(LOGIN);
    },
    RUN_LIMIT_MS,
  );
}
