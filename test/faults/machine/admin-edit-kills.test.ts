/**
 * A52: the gateway is killed while its admin changes the configuration. The file is whole, with all changes that were
 * answered; the next start serves by it; and no copy of the file, with its secrets, stays beside it.
 */
import { afterEach, expect, test } from "bun:test";
import { readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ADMIN_TOML, signIn } from "../../flow/admin/admin-client.ts";
import { type Gateway, HANG_MS, IS_FULL, KEYS_TOML, runGateway, startGateway } from "../../kit/gateway.ts";
import { type RawUpstream, startRawUpstream } from "../../kit/raw-upstream.ts";
import { CHAT, familiesToml } from "../../kit/recordings.ts";
import { answerWell, ask, WAYS, type Way } from "../asking.ts";
import { chanceFrom } from "../seeded.ts";

const KILLS = IS_FULL ? 100 : 8;
const SEED = 20_261_130;
const CHAT_WHOLE = WAYS.find(({ recording, isStream }) => recording === CHAT && !isStream) as Way;
const AN_HOUR_S = 3_600;

let gateway: Gateway | null = null;
let upstream: RawUpstream | null = null;
afterEach(async () => {
  await gateway?.kill();
  await upstream?.close();
});

const copiesIn = (folder: string): string[] => readdirSync(folder).filter((name) => name.endsWith(".tmp"));

/** Changes one setting after the other until the gateway is gone; returns the last value that was answered, and the last sent. */
async function changeUntilKilled(
  running: Gateway,
  from: number,
  onFirst: () => void,
): Promise<readonly [made: number, sent: number]> {
  let made = from;
  let sent = from;
  try {
    const admin = await signIn(running);
    for (;;) {
      const { version } = (await admin("GET", "/settings")).body;
      const value = sent + 1;
      sent = value;
      const { status } = await admin("POST", "/settings", {
        version,
        changes: [{ path: "pool.max_wait_s", value }],
      });
      if (status === 200) made = value;
      onFirst();
    }
  } catch {
    return [made, sent];
  }
}

test(
  `A52 ${KILLS} kills in the midst of changes by the admin leave a whole file`,
  async () => {
    const chance = chanceFrom(SEED);
    upstream = await startRawUpstream((arrived) => answerWell(arrived), { lists: "apart" });
    const rest = `[pool]\nmax_wait_s = 1\n${KEYS_TOML}${familiesToml(upstream.url)}`;
    let running = await startGateway({ toml: ADMIN_TOML + rest });
    gateway = running;
    const { folder, configFile } = running;
    let value = 1;
    for (let kill = 0; kill < KILLS; kill++) {
      const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
      const changing = changeUntilKilled(running, value, begin);
      await Promise.race([begun, changing]);
      await Bun.sleep(chance.whole(0, 150));
      running.signal("SIGKILL");
      await running.exited;
      const [made, sent] = await changing;
      const text = readFileSync(configFile, "utf8");
      const found = Number(/^max_wait_s = (\d+)$/m.exec(text)?.[1]);
      expect(made).toBeGreaterThan(value);
      expect(found).toBeGreaterThanOrEqual(made);
      expect(found).toBeLessThanOrEqual(sent);
      // All else is as it was, but for the password, which the first start has hashed.
      expect(text.replace(`max_wait_s = ${found}`, "max_wait_s = 1")).toEndWith(rest);
      expect(statSync(configFile).mode & 0o777).toBe(0o600);
      value = found;
      running = await runGateway(folder, configFile, ["serve", "--config", configFile]);
      gateway = running;
      expect((await ask(running.url, CHAT_WHOLE)).completeAtMs).not.toBeNull();
    }
    // A copy that a killed change has left goes with a later one.
    const left = join(folder, "clewline.toml.0badcafe.tmp");
    writeFileSync(left, "secrets");
    const longAgoS = Date.now() / 1_000 - AN_HOUR_S;
    for (const name of copiesIn(folder)) utimesSync(join(folder, name), longAgoS, longAgoS);
    const admin = await signIn(running);
    const { version } = (await admin("GET", "/settings")).body;
    const changes = [{ path: "pool.max_wait_s", value: value + 1 }];
    expect((await admin("POST", "/settings", { version, changes })).status).toBe(200);
    expect(copiesIn(folder)).toEqual([]);
  },
  HANG_MS * 3,
);
