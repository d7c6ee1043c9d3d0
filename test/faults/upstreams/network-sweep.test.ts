/**
 * F19: the network fails at each step of a request in turn, in each way. However it fails, the request ends in one row,
 * gives its credential back, shows no half answer as a whole one, and the next request is served.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { AddressInfo } from "node:net";
import { createServer, type Server, type Socket } from "node:net";
import { type Gateway, HANG_MS, IS_FULL, KEYS_TOML, startGateway, upstreamToml } from "../../kit/gateway.ts";
import { replyHead } from "../../kit/raw-upstream.ts";
import { CHAT, type Recording } from "../../kit/recordings.ts";
import { type Asked, ask, type Way } from "../asking.ts";

/** What the network does at the chosen step. */
const FAULTS = ["fin", "rst", "silence"] as const;
type Fault = (typeof FAULTS)[number];

/** Each write of the provider is a step, and so are the connection and each piece of the request. */
const PIECES = IS_FULL ? 12 : 6;
const MOST_STEPS = PIECES + 6;

let server: Server;
let gateway: Gateway;
let plan: { at: number; fault: Fault } | null = null;
/** The steps of the request under way. */
let steps = 0;
const sockets = new Set<Socket>();

beforeAll(async () => {
  server = createServer(serve).listen(0, "127.0.0.1");
  await new Promise<void>((resolve) => server.once("listening", () => resolve()));
  const { port } = server.address() as AddressInfo;
  gateway = await startGateway({
    toml:
      KEYS_TOML +
      upstreamToml("up", "openai", `http://127.0.0.1:${port}/v1`, {
        lines: "first_byte_timeout_ms = 400\nidle_timeout_ms = 400\nconnect_timeout_ms = 400",
        credentials: { one: "sk-one", two: "sk-two" },
      }),
  });
});
afterAll(async () => {
  await gateway?.close();
  for (const socket of sockets) socket.destroy();
  server?.close();
});

/** Whether the network still works for this connection after the next step. */
function step(socket: Socket): boolean {
  steps += 1;
  if (plan === null || plan.at !== steps) return !socket.destroyed;
  if (plan.fault === "fin") socket.end();
  else if (plan.fault === "rst") socket.resetAndDestroy();
  return false;
}

function serve(socket: Socket): void {
  sockets.add(socket);
  socket.on("error", () => undefined);
  socket.on("close", () => sockets.delete(socket));
  let isWell = step(socket);
  let request = "";
  socket.on("data", (bytes: Buffer) => {
    if (!isWell) return;
    request += bytes.toString("latin1");
    isWell = step(socket);
    const [head, body] = request.split("\r\n\r\n");
    const length = Number(/content-length: (\d+)/i.exec(head ?? "")?.[1] ?? 0);
    if (!isWell || body === undefined || body.length < length) return;
    const isStream = body.includes('"stream":true');
    request = "";
    void answer(socket, isStream, head?.startsWith("GET") === true).then((stays) => {
      isWell = stays;
    });
  });
}

/** Writes the answer in pieces; false: the network failed at one of them. */
async function answer(socket: Socket, isStream: boolean, isList: boolean): Promise<boolean> {
  const text = isList ? '{"data":[]}' : isStream ? CHAT.frames.join("") : CHAT.whole;
  const type = isStream ? CHAT.streamType : "application/json";
  const bytes = Buffer.from(text);
  const head = Buffer.from(replyHead("200 OK", { "content-type": type }, bytes.length));
  const size = Math.ceil(bytes.length / PIECES);
  const pieces = [
    head,
    ...Array.from({ length: PIECES }, (_, i) => bytes.subarray(i * size, (i + 1) * size)),
  ];
  for (const piece of pieces) {
    // The list of models is not what is swept.
    if (!isList && !step(socket)) return false;
    socket.write(piece);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  return true;
}

const wayOf = (recording: Recording, isStream: boolean): Way => ({
  name: recording.name,
  recording,
  isStream,
});

async function askOnce(isStream: boolean): Promise<Asked> {
  return await ask(gateway.url, wayOf(CHAT, isStream), { model: `up/${CHAT.model}` });
}

test.each(FAULTS.flatMap((fault) => [true, false].map((isStream) => [fault, isStream] as const)))(
  "F19 %s at each step, streamed: %p",
  async (fault, isStream) => {
    const before = (await gateway.rows()).length;
    let failed = 0;
    const broken = new Set<string>();
    let requests = 0;
    for (let at = 1; at <= MOST_STEPS; at++) {
      plan = { at, fault };
      steps = 0;
      const asked = await askOnce(isStream);
      requests += 1;
      const isGood = asked.completeAtMs !== null;
      // Behind the finish of a stream nothing of the answer is missing.
      if (isGood) expect((isStream ? CHAT.frames.join("") : CHAT.whole).startsWith(asked.text)).toBe(true);
      else {
        failed += 1;
        if (asked.requestId !== null) broken.add(asked.requestId);
      }
      plan = null;
      // Nothing of the fault is left: a breaker that one failure opened would show here.
      const next = await askOnce(isStream);
      requests += 1;
      expect([at, next.status, next.completeAtMs !== null]).toEqual([at, 200, true]);
    }
    const rows = (await gateway.rows()).slice(before);
    expect(rows).toHaveLength(requests);
    expect(rows.filter((row) => row.outcome === "ok" && broken.has(row.request_id))).toEqual([]);
    const metrics = await gateway.command("credentials", "--json");
    for (const line of metrics.out.trim().split("\n")) expect(JSON.parse(line).state).toBe("ready");
    console.log(
      `${fault}: ${MOST_STEPS} steps, ${failed} answers failed, the others were asked for again or not met`,
    );
  },
  HANG_MS,
);
