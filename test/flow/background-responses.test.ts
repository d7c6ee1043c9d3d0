// A background response whose gateway ends before it does is booked by the next process, once.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Gateway, KEYS_TOML, makeFolder, runGateway, until, upstreamToml } from "../kit/gateway.ts";
import { request } from "../kit/raw-client.ts";
import { type RawUpstream, sendWhole, startRawUpstream } from "../kit/raw-upstream.ts";

setDefaultTimeout(120_000);

let upstream: RawUpstream;
let status = "in_progress";
let made = 0;

const response = (id: string, current: string) =>
  JSON.stringify({
    id,
    object: "response",
    created_at: 1_790_000_000,
    status: current,
    background: true,
    model: "gpt-5",
    output: [],
    usage: current === "completed" ? { input_tokens: 100, output_tokens: 50, total_tokens: 150 } : null,
  });

beforeAll(async () => {
  upstream = await startRawUpstream((arrived) => {
    if (arrived.method === "POST") made += 1;
    const id = arrived.method === "POST" ? `resp_${made}` : (arrived.target.split("/")[3] ?? "");
    return sendWhole(arrived, response(id, arrived.method === "POST" ? "queued" : status));
  });
});
afterAll(() => upstream?.close());

const COST = 100 * 2_000 + 50 * 8_000;
/** A hundredth of the budget is granted at a time. */
const GRANTED = 10_000_000;

function configure(folder: string): string {
  const file = join(folder, "clewline.toml");
  const toml = `[server]\nhost = "127.0.0.1"\nport = 0\ndata_dir = "${folder}/data"\n${KEYS_TOML}budget_usd_per_day = "1"
${upstreamToml("up", "openai", `${upstream.url}/v1`)}
[[prices]]
model = "gpt-5"
input = 2
output = 8
`;
  writeFileSync(file, toml, { mode: 0o600 });
  return file;
}

async function budgetOf(gateway: Gateway) {
  const reply = await request(gateway.port, "/v1/key", { method: "GET" });
  const { limits } = JSON.parse(reply.body.toString());
  const [{ used_nano_usd: used, reserved_nano_usd: reserved }] = limits;
  return { used, reserved };
}

const rowsOf = async (gateway: Gateway) =>
  (await gateway.rows()).map(({ endpoint, usage_state }) => `${endpoint} ${usage_state}`).toSorted();

test.each(["SIGTERM", "SIGKILL"] as const)(
  "%s between the request and the end of its response",
  async (signal) => {
    const folder = makeFolder();
    try {
      status = "in_progress";
      const file = configure(folder);
      const first = await runGateway(folder, file, ["serve", "--config", file]);
      const body = JSON.stringify({
        model: "gpt-5",
        input: "go",
        background: true,
        max_output_tokens: 1_000,
      });
      const asked = await request(first.port, "/v1/responses", { body });
      expect(asked.status).toBe(200);
      const most = Math.ceil(body.length / 3) * 2_000 + 1_000 * 8_000;
      expect(await budgetOf(first)).toEqual({ used: 0, reserved: most });
      first.signal(signal);
      await first.exited;

      const second = await runGateway(folder, file, ["serve", "--config", file]);
      // A crash spends what was granted, but for what the response still holds: it will be booked.
      const lost = signal === "SIGKILL" ? GRANTED - most : 0;
      const held = await budgetOf(second);
      expect(held).toEqual({ used: lost, reserved: most });
      status = "completed";
      await until("the response is booked", async () => (await budgetOf(second)).reserved === 0);
      expect((await budgetOf(second)).used).toBe(held.used + COST);
      expect(await rowsOf(second)).toEqual(
        [
          ...(signal === "SIGKILL" ? ["lost unknown"] : []),
          "responses unknown",
          "responses.background final",
        ].toSorted(),
      );
      second.signal("SIGTERM");
      await second.exited;

      const third = await runGateway(folder, file, ["serve", "--config", file]);
      expect(await budgetOf(third)).toEqual({ used: held.used + COST, reserved: 0 });
      third.signal("SIGTERM");
      await third.exited;
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
);
