/**
 * Usage as providers report it, through a real gateway: the cost in the row is what the report costs, to the
 * nano-dollar, whole and streamed, relayed and translated, and where an answer ends early.
 */

import { Database } from "bun:sqlite";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { askCell, asking, type Cell, translatedToml, UPSTREAMS } from "../flow/translated.ts";
import { CLIENT_KEY, type Gateway, startGateway, until } from "../kit/gateway.ts";
import {
  type Arrived,
  chunkOf,
  type RawUpstream,
  replyHead,
  sendStream,
  sendWhole,
  startRawUpstream,
} from "../kit/raw-upstream.ts";
import { CHAT, type DialectName, GEMINI, MESSAGES, RESPONSES, type Recording } from "../kit/recordings.ts";
import { paidAnswer, WRITERS } from "./paid-answers.ts";
import { costOfCase, PAID_CASES, type PaidCase, PRICES_TOML } from "./paid-cases.ts";

let upstream: RawUpstream;
let gateway: Gateway;

beforeAll(async () => {
  upstream = await startRawUpstream(() => undefined);
  gateway = await startGateway({
    toml: [
      translatedToml(upstream.url, { credentials: { main: "sk-main", spare: "sk-spare" } }),
      PRICES_TOML,
    ].join("\n"),
  });
});
afterAll(async () => {
  await gateway?.close();
  await upstream?.close();
});

const CLIENTS: readonly Recording[] = [CHAT, RESPONSES, MESSAGES, GEMINI];

const cellOf = (client: Recording, dialect: DialectName): Pick<Cell, "client" | "model"> => ({
  client,
  model: UPSTREAMS[dialect].model,
});

interface Row {
  readonly cost_nano_usd: number | null;
  readonly cost_gaps: string | null;
  readonly price_version: string | null;
  readonly usage_state: string;
  readonly outcome: string;
  readonly input_tokens: number | null;
  readonly output_tokens: number | null;
  readonly attempts: number;
}

/** The newest row, once there are so many. */
async function rowAfter(count: number): Promise<Row> {
  const database = new Database(join(gateway.folder, "data", "ledger.db"), { readonly: true });
  try {
    const total = (): number =>
      database.query<{ n: number }, []>("SELECT count(*) AS n FROM requests").get()?.n ?? 0;
    await until("the row is in the ledger", () => total() >= count);
    return database.query<Row, []>("SELECT * FROM requests ORDER BY id DESC LIMIT 1").get() as Row;
  } finally {
    database.close();
  }
}

let rows = 0;
const nextRow = (): Promise<Row> => rowAfter(++rows);

/** Answers with the answer's form that is asked for. */
function answering(paidCase: PaidCase): (arrived: Arrived) => Promise<void> {
  const { whole, frames } = paidAnswer(paidCase.dialect, paidCase.paid);
  const { streamType } = WRITERS[paidCase.dialect].recording;
  return (arrived) =>
    /"stream":\s*true/.test(arrived.body.toString()) || arrived.target.includes("stream")
      ? sendStream(arrived, frames, streamType)
      : sendWhole(arrived, whole);
}

describe.each(PAID_CASES.map((paidCase) => [`${paidCase.dialect}: ${paidCase.title}`, paidCase] as const))(
  "%s",
  (_, paidCase) => {
    for (const client of CLIENTS)
      for (const isStream of [false, true])
        test(`${client.name}, ${isStream ? "stream" : "whole"}`, async () => {
          upstream.answer = answering(paidCase);
          const reply = await askCell(gateway, cellOf(client, paidCase.dialect), isStream);
          expect(reply.status).toBe(200);
          const row = await nextRow();
          expect(row).toMatchObject({
            cost_nano_usd: costOfCase(paidCase),
            cost_gaps: paidCase.gaps === undefined ? null : JSON.stringify(paidCase.gaps),
            price_version: expect.stringMatching(/^configuration\/\*#/),
            usage_state: "final",
            outcome: "ok",
          });
        });
  },
);

/** The frames up to the middle of the text. */
const textOf = ({ frames, terminalFrom }: Recording): readonly string[] =>
  frames.slice(0, Math.min(terminalFrom - 1, 6));

/** The cost of a row whose usage has tokens of input and output alone. */
const plainCost = ({ input_tokens, output_tokens }: Row): number =>
  (input_tokens ?? 0) * 2000 + (output_tokens ?? 0) * 10_000;

describe("an answer that ends early", () => {
  const FORMS = CLIENTS.flatMap((client) =>
    (Object.keys(UPSTREAMS) as DialectName[]).map((dialect) => [client.name, dialect, client] as const),
  );

  test.each(FORMS)("%s of %s: cut by the upstream", async (_, dialect, client) => {
    const { recording } = WRITERS[dialect];
    upstream.answer = async (arrived) => {
      await arrived.send(replyHead("200 OK", { "content-type": recording.streamType }, "chunked"));
      for (const frame of textOf(recording)) await arrived.send(chunkOf(frame));
      await arrived.untilRead();
      arrived.rst();
    };
    await askCell(gateway, cellOf(client, dialect), true).catch(() => "cut");
    const row = await nextRow();
    expect(row.outcome).not.toBe("ok");
    expect(row.usage_state).not.toBe("final");
    expect(row.usage_state).not.toBe("unknown");
    expect(row.cost_nano_usd).toBe(plainCost(row));
    expect(row.cost_nano_usd).toBeGreaterThan(0);
  });

  test.each(FORMS)("%s of %s: left by the client", async (_, dialect, client) => {
    const { recording } = WRITERS[dialect];
    const left = Promise.withResolvers<void>();
    upstream.answer = async (arrived) => {
      await arrived.send(replyHead("200 OK", { "content-type": recording.streamType }, "chunked"));
      for (const frame of textOf(recording)) await arrived.send(chunkOf(frame));
      await arrived.closed;
      left.resolve();
    };
    const { path, body } = asking(client, UPSTREAMS[dialect].model, true);
    const leaving = new AbortController();
    const headers = { authorization: `Bearer ${CLIENT_KEY}` };
    const reply = await fetch(gateway.url + path, { method: "POST", body, headers, signal: leaving.signal });
    await reply.body?.getReader().read();
    leaving.abort();
    await left.promise;
    const row = await nextRow();
    expect(row).toMatchObject({ outcome: "client_left" });
    expect(row.usage_state).not.toBe("final");
    expect(row.cost_nano_usd).toBe(plainCost(row));
    expect(row.cost_nano_usd).toBeGreaterThan(0);
  });
});

test("a failed attempt that reported usage is paid for as well", async () => {
  const failed = paidAnswer("anthropic-messages", {
    usage: { input_tokens: 1000, output_tokens: 1, cache_read_input_tokens: 200 },
  });
  const good = paidAnswer("anthropic-messages", { usage: { input_tokens: 10, output_tokens: 5 } });
  const error = { type: "error", error: { type: "overloaded_error", message: "Overloaded" } };
  let asked = 0;
  upstream.answer = (arrived) =>
    asked++ === 0
      ? sendStream(arrived, [failed.frames[0] as string, `event: error\ndata: ${JSON.stringify(error)}\n\n`])
      : sendStream(arrived, good.frames);
  // A translated answer begins with its content, so that this failure can be retried.
  const reply = await askCell(gateway, cellOf(CHAT, "anthropic-messages"), true);
  expect(reply.status).toBe(200);
  const row = await nextRow();
  expect(row).toMatchObject({ attempts: 2, usage_state: "partial", outcome: "ok" });
  expect(row.cost_nano_usd).toBe(1000 * 2000 + 200 * 200 + 10_000 + 10 * 2000 + 5 * 10_000);
});
