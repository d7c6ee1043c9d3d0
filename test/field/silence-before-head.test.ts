import { afterAll, beforeAll, expect, test } from "bun:test";
import { answerWell, wayOf } from "../faults/asking.ts";
import {
  asking,
  CELLS_AND_ARRAYS,
  type Cell,
  readTold,
  TEXT,
  type Told,
  UPSTREAMS,
} from "../flow/translated.ts";
import { type Gateway, IS_FULL, KEYS_TOML, startGateway, until, upstreamToml } from "../kit/gateway.ts";
import { openClient, type RawClient, type RawReply, requestBytes } from "../kit/raw-client.ts";
import {
  type Answering,
  type RawUpstream,
  replyHead,
  sendWhole,
  startRawUpstream,
} from "../kit/raw-upstream.ts";
import { CHAT, RECORDINGS, type Recording } from "../kit/recordings.ts";
import { describeKind } from "./kind.ts";
import { kind } from "./kinds/silence-before-head.ts";

const PING_MS = 200;

const PINGS: Readonly<Record<string, string>> = {
  "openai-chat": ": ping\n",
  "openai-responses": ": ping\n",
  "anthropic-messages": 'event: ping\ndata: {"type":"ping"}\n\n',
  gemini: "\n\n",
};
const pingOf = ({ name, dialect }: Recording): string =>
  name.includes("array") ? "\n" : (PINGS[dialect] as string);

/** A stream of one dialect from an upstream of the same one. */
const RELAYED: readonly Cell[] = RECORDINGS.map((client) => ({
  name: `${client.name} relayed`,
  client,
  upstream: client,
  model: UPSTREAMS[client.dialect].model,
}));
/** All ways of a stream; in the short form one translation for each form that a client has. */
const WAYS: readonly Cell[] = [
  ...RELAYED,
  ...(IS_FULL
    ? CELLS_AND_ARRAYS
    : RECORDINGS.map(({ name }) => CELLS_AND_ARRAYS.find((cell) => cell.client.name === name) as Cell)),
];

/** What an upstream does after the client has had pings, and what the client gets then. */
interface End {
  readonly name: string;
  /** By the number of the request that the upstream gets for the client's one. */
  readonly acts: readonly Answering[];
  /** null: the answer. */
  readonly error: { readonly says: RegExp; readonly kind: string | RegExp } | null;
  readonly attempts: number;
}

const errorBody = (message: string): string =>
  JSON.stringify({ type: "error", error: { type: "invalid_request_error", code: 400, message } });
const refuse =
  (status: string, message: string, headers: Readonly<Record<string, string>> = {}): Answering =>
  (arrived) =>
    sendWhole(arrived, errorBody(message), { "content-type": "application/json", ...headers }, status);
const answer: Answering = (arrived) => answerWell(arrived);
/** The head, and then nothing for as long as several pings take. */
const answerLate: Answering = (arrived) => answerWell(arrived, new Map([[0, 3 * PING_MS]]));
const answerWhole: Answering = (arrived) => {
  const { name, whole } = wayOf(arrived).recording;
  return sendWhole(arrived, name.includes("array") ? `[${whole}]` : whole);
};
/** In the midst of the head: a cut before any byte can be a connection that was closed while nobody used it. */
const cut: Answering = async (arrived) => {
  await arrived.send("HTTP/1.1 20");
  arrived.fin();
};
const cutBody: Answering = async (arrived) => {
  await arrived.send(replyHead("200 OK", { "content-type": wayOf(arrived).recording.streamType }, "chunked"));
  arrived.fin();
};
const page: Answering = (arrived) =>
  sendWhole(arrived, "<html>bad gateway</html>", { "content-type": "text/html" }, "502 Bad Gateway");
const tooMany = refuse("429 Too Many Requests", "slow down", { "retry-after": "30" });

const ENDS: readonly End[] = [
  { name: "an answer", acts: [answer], error: null, attempts: 1 },
  { name: "a head, more silence, an answer", acts: [answerLate], error: null, attempts: 1 },
  { name: "a whole answer in place of a stream", acts: [answerWhole], error: null, attempts: 1 },
  { name: "a limit, and another credential", acts: [tooMany, answer], error: null, attempts: 2 },
  { name: "an overload, and a repeat", acts: [page, answer], error: null, attempts: 2 },
  { name: "a cut, and a repeat", acts: [cut, answer], error: null, attempts: 2 },
  { name: "a head, a cut, and a repeat", acts: [cutBody, answer], error: null, attempts: 2 },
  {
    name: "a refusal of the request",
    acts: [refuse("400 Bad Request", "the colour is wrong")],
    error: { says: /the colour is wrong/, kind: "bad_request" },
    attempts: 1,
  },
  {
    name: "a limit of every credential",
    acts: [tooMany],
    error: { says: /try again in \d+s/, kind: "credentials_cooling" },
    attempts: 2,
  },
  {
    name: "a refusal of every credential",
    acts: [refuse("401 Unauthorized", "no such key")],
    error: { says: /credential|refused/, kind: /credentials_unusable|upstream_error|credentials_cooling/ },
    attempts: 2,
  },
  { name: "cuts only", acts: [cut], error: { says: /upstream/, kind: "upstream_cut" }, attempts: 3 },
];

/** Each end of each way has an upstream of its own, so that failures of one do not count for another. */
const nameOf = (end: End, cell: Cell): string => `e${ENDS.indexOf(end)}w${WAYS.indexOf(cell)}`;

function upstreamOf(url: string, end: End, cell: Cell): string {
  const { family, lines } = UPSTREAMS[cell.upstream.dialect];
  const name = nameOf(end, cell);
  return upstreamToml(name, family, `${url}/${name}${family === "openai" ? "/v1" : ""}`, {
    lines,
    credentials: { one: `sk-${name}-1`, two: `sk-${name}-2` },
  });
}

/** Members that one upstream or another has no place for. */
const LOST: Readonly<Record<string, object>> = {
  "openai-chat": { seed: 7, logit_bias: { "50256": -100 } },
  "openai-responses": { truncation: "auto", top_logprobs: 2 },
  "anthropic-messages": { speed: "fast" },
  gemini: { safetySettings: [{ category: "HARM_CATEGORY_HARASSMENT", threshold: "BLOCK_NONE" }] },
};

interface Asked {
  readonly cell: Cell;
  readonly client: RawClient;
  readonly sentMs: number;
}

const isPinged = ({ client }: Asked): boolean => client.receivedBytes > 0;

/** Relayed frames have the ends of lines of their provider. */
const readStream = (client: Recording, text: string): Told =>
  readTold(client, true, text.replaceAll("\r\n", "\n"));

describeKind(kind, () => {
  let upstream: RawUpstream;
  let gateway: Gateway;
  beforeAll(async () => {
    upstream = await startRawUpstream(() => undefined);
    const upstreams = ENDS.flatMap((end) => WAYS.map((cell) => upstreamOf(upstream.url, end, cell)));
    gateway = await startGateway({
      toml: [KEYS_TOML, ...upstreams].join("\n"),
      server: `ping_interval_ms = ${PING_MS}`,
    });
  });
  afterAll(async () => {
    await gateway?.close();
    await upstream?.close();
  });

  async function send(cell: Cell, end: End, more: object = {}, one = gateway): Promise<Asked> {
    const client = await openClient(one.port);
    const model = cell.model.replace(/^[^/]+/, nameOf(end, cell));
    const { path, body } = asking(cell.client, model, true, more);
    const sentMs = performance.now();
    client.send(requestBytes(path, { body }));
    return { cell, client, sentMs };
  }

  /** Asks in all ways at once; the upstream acts when every client has had a ping. */
  async function askSilently(
    end: End,
    more: (client: Recording) => object = () => ({}),
  ): Promise<readonly RawReply[]> {
    const pinged = Promise.withResolvers<void>();
    const counts = new Map<string, number>();
    upstream.answer = async (arrived) => {
      const name = arrived.target.split("/")[1] as string;
      const count = counts.get(name) ?? 0;
      counts.set(name, count + 1);
      await pinged.promise;
      await (end.acts[Math.min(count, end.acts.length - 1)] as Answering)(arrived);
    };
    const asked = await Promise.all(WAYS.map((cell) => send(cell, end, more(cell.client))));
    await until("every client has had a ping", () => asked.every(isPinged));
    for (const { sentMs } of asked) expect(performance.now() - sentMs).toBeGreaterThanOrEqual(PING_MS);
    pinged.resolve();
    const replies = await Promise.all(asked.map(({ client }) => client.reply()));
    for (const { client } of asked) client.leave();
    return replies;
  }

  for (const end of ENDS) {
    const isReported = end.name === "an answer";
    test(`${isReported ? "reported: " : ""}pings, then ${end.name}`, async () => {
      const replies = await askSilently(end);
      const rows = new Map((await gateway.rows()).map((row) => [row.request_id, row]));
      for (const [i, reply] of replies.entries()) {
        const cell = WAYS[i] as Cell;
        const text = reply.body.toString();
        const told = readStream(cell.client, text);
        const row = rows.get(reply.headers.get("x-request-id") ?? "");
        expect([cell.name, reply.status, reply.isWhole]).toEqual([cell.name, 200, true]);
        expect([cell.name, text.startsWith(pingOf(cell.client))]).toEqual([cell.name, true]);
        expect(reply.headers.get("x-accel-buffering")).toBe("no");
        if (end.error === null) {
          expect([cell.name, told.text, told.isEnded, told.error]).toEqual([cell.name, TEXT, true, null]);
          expect([cell.name, row]).toMatchObject([cell.name, { outcome: "ok", error_kind: null }]);
        } else {
          expect([cell.name, told.text, told.isEnded]).toEqual([cell.name, "", false]);
          expect(JSON.stringify(told.error)).toMatch(end.error.says);
          expect(row).toMatchObject({ outcome: "error" });
          expect(row?.error_kind).toMatch(end.error.kind);
        }
        expect([cell.name, row]).toMatchObject([
          cell.name,
          { status: 200, is_stream: true, attempts: end.attempts },
        ]);
      }
    }, 600_000);
  }

  test("reported, the control: an upstream with a head at once", async () => {
    const end = ENDS[1] as End;
    upstream.answer = answerLate;
    const asked = await Promise.all(WAYS.map((cell) => send(cell, end)));
    for (const { cell, client } of asked) {
      const text = (await client.reply()).body.toString();
      client.leave();
      expect(text.startsWith(pingOf(cell.client))).toBe(true);
      expect(readStream(cell.client, text)).toMatchObject({ text: TEXT, isEnded: true });
    }
  });

  test("an error within the interval has a status of its own", async () => {
    upstream.answer = refuse("400 Bad Request", "the colour is wrong");
    for (const cell of WAYS) {
      const { client } = await send(cell, ENDS[7] as End);
      const reply = await client.reply();
      client.leave();
      expect([cell.name, reply.status, reply.headers.get("content-type")]).toEqual([
        cell.name,
        400,
        expect.stringContaining("application/json"),
      ]);
    }
  });

  /** An overload at once that asks for a pause many pings long, then an answer. */
  function answerAfterPause(): Answering {
    const asked = new Set<string>();
    const overloaded = refuse("503 Service Unavailable", "busy", { "retry-after": "1" });
    return async (arrived) => {
      const name = arrived.target.split("/")[1] as string;
      const isFirst = !asked.has(name);
      asked.add(name);
      await (isFirst ? overloaded : answer)(arrived);
    };
  }

  /** A gateway whose upstreams have not failed before. */
  const startFresh = (): Promise<Gateway> =>
    startGateway({
      toml: [KEYS_TOML, ...WAYS.map((cell) => upstreamOf(upstream.url, ENDS[0] as End, cell))].join("\n"),
      server: `ping_interval_ms = ${PING_MS}\ndrain_timeout_ms = 500`,
    });

  test("a pause before a repeat is waited for with pings", async () => {
    const paused = await startFresh();
    upstream.answer = answerAfterPause();
    const asked = await Promise.all(WAYS.map((cell) => send(cell, ENDS[0] as End, {}, paused)));
    for (const { cell, client } of asked) {
      const text = (await client.reply()).body.toString();
      client.leave();
      expect([cell.name, text.startsWith(pingOf(cell.client))]).toEqual([cell.name, true]);
      expect(readStream(cell.client, text)).toMatchObject({ text: TEXT, isEnded: true });
    }
    for (const row of await paused.rows()) expect(row).toMatchObject({ outcome: "ok", attempts: 2 });
    await paused.close();
  }, 600_000);

  test("a client that leaves in such a pause has its row, and the upstream is not asked again", async () => {
    const paused = await startFresh();
    upstream.forget();
    upstream.answer = refuse("503 Service Unavailable", "busy", { "retry-after": "3" });
    const asked = await Promise.all(WAYS.map((cell) => send(cell, ENDS[0] as End, {}, paused)));
    await until("every client has had a ping", () => asked.every(isPinged));
    for (const { client } of asked) client.leave();
    await until("every request has its row", async () => (await paused.rows()).length === WAYS.length);
    for (const row of await paused.rows())
      expect(row).toMatchObject({ outcome: "client_left", status: 200, attempts: 1 });
    await paused.close();
    expect(upstream.seen.length).toBe(WAYS.length);
  }, 600_000);

  for (const how of ["fin", "rst"] as const) {
    test(`a client that leaves (${how}) during the pings ends the upstream's call`, async () => {
      upstream.forget();
      upstream.answer = () => undefined;
      const asked = await Promise.all(WAYS.map((cell) => send(cell, ENDS[0] as End)));
      await until("every client has had a ping", () => asked.every(isPinged));
      for (const { client } of asked) client.leave(how);
      await Promise.all(upstream.seen.map(({ closed }) => closed));
      const isLeft = async (): Promise<boolean> =>
        (await gateway.rows()).filter(({ outcome }) => outcome === "client_left").length >= WAYS.length;
      await until("every request has its row", isLeft);
      const rows = (await gateway.rows()).slice(-WAYS.length);
      for (const row of rows)
        expect(row).toMatchObject({ outcome: "client_left", status: 200, is_stream: true, error_kind: null });
    }, 600_000);
  }

  test("what a header would have named stands in a comment before the answer, and in the row", async () => {
    const end = ENDS[0] as End;
    upstream.answer = answer;
    const dropping = (recording: Recording): object => LOST[recording.dialect] as object;
    const quick = await Promise.all(
      WAYS.map(async (cell) => {
        const { client } = await send(cell, end, dropping(cell.client));
        const reply = await client.reply();
        client.leave();
        return reply.headers.get("x-clewline-dropped");
      }),
    );
    const told = new Set<string>();
    const replies = await askSilently(end, dropping);
    for (const [i, reply] of replies.entries()) {
      const { client } = WAYS[i] as Cell;
      const dropped = quick[i];
      const text = reply.body.toString();
      if (dropped === undefined) continue;
      expect((await gateway.row(reply.headers.get("x-request-id"))).drops).not.toBeNull();
      if (client.dialect === "gemini") {
        expect(text).not.toContain("x-clewline");
        continue;
      }
      told.add(client.dialect);
      const note = `: x-clewline-dropped: ${dropped}\n`;
      expect(text.replaceAll(pingOf(client), "").startsWith(note)).toBe(true);
      expect(readStream(client, text)).toMatchObject({ text: TEXT, isEnded: true });
    }
    expect([...told].sort()).toEqual(["anthropic-messages", "openai-chat", "openai-responses"]);
  }, 600_000);

  test("a drain that runs out of time ends the waiting streams, which are on the record", async () => {
    const end = ENDS[0] as End;
    const drained = await startFresh();
    upstream.answer = () => undefined;
    const asked = await Promise.all(WAYS.map((cell) => send(cell, end, {}, drained)));
    await until("every client has had a ping", () => asked.every(isPinged));
    drained.signal("SIGTERM");
    await drained.exited;
    for (const { cell, client } of asked) {
      const reply = await client.reply();
      client.leave();
      expect([cell.name, reply.status]).toEqual([cell.name, 200]);
      if (reply.isWhole) expect(readStream(cell.client, reply.body.toString()).error).not.toBeNull();
    }
    const rows = await drained.rows();
    expect(rows.length).toBe(WAYS.length);
    for (const row of rows)
      expect(row).toMatchObject({ outcome: "error", error_kind: "shutting_down", status: 200 });
    await drained.close();
  }, 600_000);

  test("a drain lets a waiting stream have its answer", async () => {
    const end = ENDS[0] as End;
    const drained = await startGateway({
      toml: [KEYS_TOML, upstreamOf(upstream.url, end, WAYS[0] as Cell)].join("\n"),
      server: `ping_interval_ms = ${PING_MS}`,
    });
    const ended = Promise.withResolvers<void>();
    upstream.answer = async (arrived) => {
      await ended.promise;
      await answerWell(arrived);
    };
    const asked = await send(WAYS[0] as Cell, end, {}, drained);
    await until("the client has had a ping", () => isPinged(asked));
    drained.signal("SIGTERM");
    await until("the gateway drains", () => drained.log().includes("draining"));
    ended.resolve();
    expect(readStream(CHAT, (await asked.client.reply()).body.toString())).toMatchObject({
      text: TEXT,
      isEnded: true,
    });
    asked.client.leave();
    expect(await drained.exited).toBe(0);
    expect(await drained.rows()).toMatchObject([{ outcome: "ok", status: 200 }]);
    await drained.close();
  }, 600_000);

  test("a reload leaves a waiting stream its upstream, and changes its interval", async () => {
    const end = ENDS[0] as End;
    const [cell] = WAYS as readonly [Cell];
    const reloaded = await startGateway({
      toml: [KEYS_TOML, upstreamOf(upstream.url, end, cell)].join("\n"),
      server: "ping_interval_ms = 600000",
    });
    const pinged = Promise.withResolvers<void>();
    upstream.answer = async (arrived) => {
      await pinged.promise;
      await answerWell(arrived);
    };
    upstream.forget();
    const asked = await send(cell, end, {}, reloaded);
    await until("the upstream is asked", () => upstream.seen.length > 0);
    const other = upstreamOf(upstream.url, ENDS[1] as End, cell);
    reloaded.configure({ toml: [KEYS_TOML, other].join("\n"), server: `ping_interval_ms = ${PING_MS}` });
    await until("the client has had a ping", () => isPinged(asked));
    pinged.resolve();
    expect(readStream(CHAT, (await asked.client.reply()).body.toString())).toMatchObject({
      text: TEXT,
      isEnded: true,
    });
    asked.client.leave();
    expect(await reloaded.rows()).toMatchObject([{ outcome: "ok", status: 200 }]);
    await reloaded.close();
  }, 600_000);
});
