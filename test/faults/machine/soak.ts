/**
 * Mixed use for a long time: whole answers, clients that leave, requests that a second credential has to serve, slow
 * readers, and a changed configuration now and then. Watches what could grow: memory, file descriptors, requests under
 * way. `bun test/faults/machine/soak.ts --minutes 30 [--seed 1]` prints a line a minute and the slope at the end.
 */
import { readdirSync } from "node:fs";
import { parseArgs } from "node:util";
import {
  type Gateway,
  KEYS_TOML,
  METRICS_KEY,
  METRICS_TOML,
  startGateway,
  until,
  upstreamToml,
} from "../../kit/gateway.ts";
import { openClient, requestBytes } from "../../kit/raw-client.ts";
import { type Arrived, replyHead, startRawUpstream } from "../../kit/raw-upstream.ts";
import { CHAT } from "../../kit/recordings.ts";
import { answerWell, ask, WAYS, type Way } from "../asking.ts";
import { type Chance, chanceFrom } from "../seeded.ts";

export interface SoakFigures {
  readonly requests: number;
  /** Requests that had to be served, and were not. */
  readonly failed: number;
  readonly rows: number;
  /** Megabytes an hour, by the least squares over the second half of the looks. */
  readonly slopeMbPerHour: number;
  readonly rssMb: readonly number[];
  readonly descriptors: readonly number[];
  /** After all clients have ended. */
  readonly inFlight: number;
}

const CLIENTS = 4;
const LOOK_MS = 5_000;
const MB = 1024 * 1024;
/** The ways of the dialect that both upstreams speak. */
const CHAT_WAYS = WAYS.filter(({ recording }) => recording === CHAT);

/** Every tenth request finds its first credential limited. */
function provider(chance: Chance) {
  return async (arrived: Arrived): Promise<void> => {
    const isFirst = arrived.headers.get("authorization") === "Bearer sk-first";
    if (isFirst && chance.next() < 0.1) {
      const body =
        '{"error":{"message":"Rate limit reached.","type":"requests","code":"rate_limit_exceeded"}}';
      const headers = { "content-type": "application/json", "retry-after": "1" };
      await arrived.send(replyHead("429 Too Many Requests", headers, body.length));
      await arrived.send(body);
    } else await answerWell(arrived, chance.next() < 0.3 ? new Map([[2, chance.whole(1, 60)]]) : new Map());
  };
}

export async function soak(
  minutes: number,
  seed: number,
  tell: (line: string) => void,
): Promise<SoakFigures> {
  const chance = chanceFrom(seed);
  const upstream = await startRawUpstream(provider(chance), { lists: "apart" });
  const credentials = { first: "sk-first", second: "sk-second", third: "sk-third" };
  const toml =
    METRICS_TOML + KEYS_TOML + upstreamToml("openai", "openai", `${upstream.url}/v1`, { credentials });
  const gateway = await startGateway({ toml });
  const counts = { requests: 0, failed: 0 };
  const untilMs = performance.now() + minutes * 60_000;
  const client = async (): Promise<void> => {
    while (performance.now() < untilMs) {
      counts.requests += 1;
      const kind = chance.next();
      if (kind < 0.7) counts.failed += Number(!(await isServed(gateway, chance.pick(CHAT_WAYS))));
      else if (kind < 0.9) await leave(gateway, chance);
      else await readSlowly(gateway);
      await Bun.sleep(chance.whole(1, 40));
    }
  };
  const rssMb: number[] = [];
  const descriptors: number[] = [];
  const looking = setInterval(() => {
    rssMb.push(gateway.rssBytes() / MB);
    descriptors.push(readdirSync(`/proc/${gateway.pid}/fd`).length);
    if (rssMb.length % 12 === 0) {
      tell(
        `${rssMb.length / 12} min: ${rssMb.at(-1)?.toFixed(1)} MB, ${descriptors.at(-1)} descriptors, ${counts.requests} requests`,
      );
    }
    const model = `[[models]]\nname = "fresh-${rssMb.length % 2}"\ntargets = ["openai/gpt-4.1"]\n`;
    gateway.configure({ toml: `${toml}\n${model}` });
  }, LOOK_MS);
  try {
    await Promise.all(Array.from({ length: CLIENTS }, client));
    clearInterval(looking);
    await until("nothing is under way", async () => (await inFlightOf(gateway)) === 0);
    const rows = (await gateway.rows()).length;
    const half = rssMb.slice(rssMb.length >> 1);
    return {
      ...counts,
      rows,
      slopeMbPerHour: slopeOf(half) * (3_600_000 / LOOK_MS),
      rssMb,
      descriptors,
      inFlight: await inFlightOf(gateway),
    };
  } finally {
    clearInterval(looking);
    await gateway.kill();
    await upstream.close();
  }
}

async function isServed({ url }: Gateway, way: Way): Promise<boolean> {
  return (await ask(url, way)).completeAtMs !== null;
}

/** A client that leaves before, in the midst of, or at the end of its answer. */
async function leave({ port }: Gateway, chance: Chance): Promise<void> {
  const client = await openClient(port);
  client.send(requestBytes(CHAT.streamPath, { body: CHAT.body(true) }));
  await Bun.sleep(chance.whole(0, 30));
  client.leave(chance.next() < 0.5 ? "fin" : "rst");
}

async function readSlowly({ port }: Gateway): Promise<void> {
  const client = await openClient(port, { bytesPerSecond: 4_000 });
  client.send(requestBytes(CHAT.streamPath, { body: CHAT.body(true) }));
  await Promise.race([client.closed, Bun.sleep(1_000)]);
  client.leave();
}

async function inFlightOf({ url }: Gateway): Promise<number> {
  const page = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${METRICS_KEY}` } });
  return Number(/^clewline_requests_in_flight (\d+)/m.exec(await page.text())?.[1]);
}

/** By the least squares: how much `values` grow from one to the next. */
function slopeOf(values: readonly number[]): number {
  const middle = (values.length - 1) / 2;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  let above = 0;
  let below = 0;
  values.forEach((value, at) => {
    above += (at - middle) * (value - mean);
    below += (at - middle) ** 2;
  });
  return below === 0 ? 0 : above / below;
}

export function renderSoak({
  requests,
  failed,
  rows,
  slopeMbPerHour,
  rssMb,
  descriptors,
  inFlight,
}: SoakFigures): string {
  const range = (values: readonly number[]): string =>
    `${Math.min(...values).toFixed(0)} to ${Math.max(...values).toFixed(0)}`;
  const half = rssMb.slice(rssMb.length >> 1);
  return [
    `${requests} requests, ${failed} of those to be served failed, ${rows} rows`,
    `second half: ${range(half)} MB resident, ${slopeMbPerHour.toFixed(1)} MB/h`,
    `${range(descriptors)} descriptors, ${inFlight} under way at the end`,
  ].join("; ");
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: { minutes: { type: "string", default: "30" }, seed: { type: "string", default: "1" } },
  });
  console.log(renderSoak(await soak(Number(values.minutes), Number(values.seed), console.log)));
}
