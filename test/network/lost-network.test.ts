// F4, F5, F33: the way to a provider is lost without a word, a name has an address of IPv6 that leads nowhere, and a
// captive page answers in the provider's place.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import {
  CLIENT_KEY,
  type Gateway,
  HANG_MS,
  IS_FULL,
  KEYS_TOML,
  startGateway,
  until,
  upstreamToml,
} from "../kit/gateway.ts";
import { chunkOf, replyHead } from "../kit/raw-upstream.ts";
import { CHAT } from "../kit/recordings.ts";
import { makeNamespace } from "./namespace.ts";
import { runTool } from "./outbound-proxies.ts";

const [OUTSIDE, INSIDE] = ["10.231.8.1", "10.231.8.2"];
const NETWORK = makeNamespace(`clx${process.pid % 100_000}`, OUTSIDE, INSIDE);
const STREAMS = IS_FULL ? 200 : 20;
const IDLE_MS = 1_500;

let upstream: Bun.TCPSocketListener<undefined>;
let gateway: Gateway;
/** What the provider answers: a stream that begins and goes on, one answer, or a page of somebody else. */
let answer: "stream" | "whole" | "page" = "whole";

beforeAll(async () => {
  if (NETWORK === null) return;
  // Bare sockets: the provider must not notice that nobody listens.
  upstream = Bun.listen({
    hostname: OUTSIDE,
    port: 0,
    socket: {
      data(socket) {
        if (answer === "stream") {
          socket.write(replyHead("200 OK", { "content-type": CHAT.streamType }, "chunked"));
          socket.write(chunkOf(CHAT.frames.slice(0, 4).join("")));
          return;
        }
        const text = answer === "whole" ? CHAT.whole : "<html><title>Sign in to the network</title></html>";
        const type = answer === "whole" ? "application/json" : "text/html";
        const bytes = Buffer.from(text);
        socket.end(
          Buffer.concat([
            Buffer.from(replyHead("200 OK", { "content-type": type, connection: "close" }, bytes.length)),
            bytes,
          ]),
        );
      },
    },
  });
  const { port } = upstream;
  // Packets to this network of IPv6 are sent, and nobody is there.
  runTool("ip", "-n", NETWORK.name, "-6", "addr", "add", "fd00:231::2/64", "dev", NETWORK.inner, "nodad");
  writeFileSync(NETWORK.hosts, `127.0.0.1 localhost\nfd00:231::99 dual.test\n${OUTSIDE} dual.test\n`);
  gateway = await startGateway({
    prefix: NETWORK.into,
    toml:
      KEYS_TOML +
      upstreamToml("far", "openai", `http://${OUTSIDE}:${port}/v1`, {
        lines: `idle_timeout_ms = ${IDLE_MS}`,
      }) +
      upstreamToml("dual", "openai", `http://dual.test:${port}/v1`, { lines: "connect_timeout_ms = 3000" }),
  });
}, HANG_MS);
afterAll(async () => {
  await gateway?.kill();
  upstream?.stop(true);
  NETWORK?.remove();
});

/** Asks within the network, and prints the status, the text and the milliseconds of each reply. */
const CLIENT = `
const [url, key, times, ...bodies] = process.argv.slice(1);
await Promise.all(Array.from({ length: Number(times) }, async () => {
  for (const body of bodies) {
    const since = performance.now();
    const reply = await fetch(url, { method: "POST", headers: { authorization: "Bearer " + key }, body });
    console.log("begun");
    const text = await reply.text().catch((error) => "cut: " + error.message);
    console.log(JSON.stringify({ status: reply.status, text, ms: performance.now() - since }));
  }
}));`;

interface Reply {
  readonly status: number;
  readonly text: string;
  readonly ms: number;
}

function askInside(times: number, ...bodies: readonly string[]) {
  const url = `http://127.0.0.1:${gateway.port}${CHAT.wholePath}`;
  const command = [
    ...(NETWORK?.into ?? []),
    process.execPath,
    "-e",
    CLIENT,
    url,
    CLIENT_KEY,
    String(times),
    ...bodies,
  ];
  const child = Bun.spawn(command, { stdout: "pipe", stderr: "inherit" });
  let said = "";
  const reading = (async () => {
    for await (const bytes of child.stdout) said += Buffer.from(bytes).toString();
  })();
  return {
    begun: () => said.split("begun\n").length - 1,
    async replies(): Promise<readonly Reply[]> {
      await reading;
      const lines = said.split("\n").filter((line) => line.startsWith("{"));
      return lines.map((line): Reply => JSON.parse(line));
    },
  };
}

const bodyFor = (upstreamName: string, isStream: boolean): string =>
  CHAT.body(isStream).replace(CHAT.model, `${upstreamName}/${CHAT.model}`);

test.skipIf(NETWORK === null)(
  "F33 a name whose first address leads nowhere costs a quarter of a second, once at most",
  async () => {
    answer = "whole";
    const replies = await askInside(1, ...Array.from({ length: 4 }, () => bodyFor("dual", false))).replies();
    expect(replies.map(({ status, text }) => [status, text])).toEqual(
      Array.from({ length: 4 }, () => [200, CHAT.whole]),
    );
    console.log(`with a dead address of IPv6: ${replies.map(({ ms }) => Math.round(ms)).join(", ")} ms`);
  },
  HANG_MS,
);

test.skipIf(NETWORK === null)(
  "F33 a page in the provider's place is the upstream's fault, and no answer",
  async () => {
    answer = "page";
    const [reply] = await askInside(1, bodyFor("far", false)).replies();
    expect([reply?.status, reply?.text]).toEqual([502, expect.not.stringContaining("Sign in")]);
    expect(reply?.text).toContain("upstream_invalid_reply");
  },
  HANG_MS,
);

test.skipIf(NETWORK === null)(
  `F4 ${STREAMS} streams whose way is lost without a word end by the time-out of silence`,
  async () => {
    answer = "stream";
    const asking = askInside(STREAMS, bodyFor("far", true));
    await until("all streams have begun", () => asking.begun() === STREAMS);
    // No FIN and no RST comes any more.
    runTool("ip", "link", "set", NETWORK?.outer ?? "", "down");
    const replies = await asking.replies();
    runTool("ip", "link", "set", NETWORK?.outer ?? "", "up");
    expect(replies).toHaveLength(STREAMS);
    for (const { text } of replies) {
      expect(text).not.toContain('"finish_reason":"stop"');
      expect(text).toContain("upstream_timeout");
    }
    const rows = (await gateway.rows()).filter(({ is_stream }) => is_stream);
    expect(rows).toHaveLength(STREAMS);
    expect(rows.every(({ outcome }) => outcome !== "ok")).toBe(true);
    answer = "whole";
    await until("requests are served again", async () => {
      const [reply] = await askInside(1, bodyFor("far", false)).replies();
      return reply?.status === 200;
    });
  },
  HANG_MS,
);
