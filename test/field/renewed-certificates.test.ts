import { afterEach, beforeEach, expect, test } from "bun:test";
import { X509Certificate } from "node:crypto";
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TLSSocket } from "node:tls";
import {
  type Gateway,
  IS_FULL,
  KEYS_TOML,
  METRICS_KEY,
  METRICS_TOML,
  startGateway,
  until,
} from "../kit/gateway.ts";
import { openClient, type RawClient, requestBytes } from "../kit/raw-client.ts";
import {
  chunkOf,
  LAST_CHUNK,
  type RawUpstream,
  replyHead,
  sendWhole,
  startRawUpstream,
} from "../kit/raw-upstream.ts";
import { CHAT, familiesToml } from "../kit/recordings.ts";
import { describeKind } from "./kind.ts";
import { kind } from "./kinds/renewed-certificates.ts";

const FIXTURES = join(import.meta.dir, "../../src/transport/http1/fixtures");
const [FIRST, SECOND] = ["localhost", "other-host"].map((name) =>
  readFileSync(join(FIXTURES, `${name}.pem`), "utf8"),
) as [string, string];

/** "Within a second", and what a busy machine adds. */
const LIMIT_MS = 10_000;
const RENEWALS = IS_FULL ? 40 : 6;
const HEALTH = "GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n";

function serialOf(pem: string): string {
  return new X509Certificate(pem).serialNumber;
}

describeKind(kind, () => {
  let upstream: RawUpstream;
  let gateway: Gateway;
  beforeEach(async () => {
    upstream = await startRawUpstream((request) => sendWhole(request, CHAT.whole));
    gateway = await startGateway({
      toml: `[server.tls]\ncert_file = "cert.pem"\nkey_file = "key.pem"\n${METRICS_TOML}${KEYS_TOML}${familiesToml(upstream.url)}`,
      files: { "cert.pem": FIRST, "key.pem": FIRST },
    });
  });
  afterEach(async () => {
    await gateway.close();
    await upstream.close();
  });

  const open = (): Promise<RawClient> => openClient(gateway.port, { isTls: true });

  /** The serial number of the certificate that a new connection gets. */
  async function served(): Promise<string> {
    const client = await open();
    const serial = (client.socket as TLSSocket).getPeerCertificate().serialNumber;
    client.leave();
    return serial;
  }

  const untilServed = (pem: string): Promise<void> =>
    until("the certificate is served", async () => (await served()) === serialOf(pem), LIMIT_MS);

  /** Replaces both files. */
  function renew(pem: string, how: "in place" | "by a rename" = "in place"): void {
    for (const name of ["cert.pem", "key.pem"]) {
      const file = join(gateway.folder, name);
      if (how === "in place") writeFileSync(file, pem);
      else {
        writeFileSync(`${file}.next`, pem);
        renameSync(`${file}.next`, file);
      }
    }
  }

  async function healthOn(client: RawClient): Promise<number> {
    client.send(HEALTH);
    return (await client.reply()).status;
  }

  test("reported: the files are replaced, and new connections get the new certificate; open ones go on", async () => {
    upstream.answer = async (arrived) => {
      await arrived.send(replyHead("200 OK", { "content-type": CHAT.streamType }, "chunked"));
      for (const frame of CHAT.frames) {
        await arrived.send(chunkOf(frame));
        await Bun.sleep(250);
      }
      await arrived.send(LAST_CHUNK);
    };
    const [idle, stream] = [await open(), await open()];
    expect(await healthOn(idle)).toBe(200);
    stream.send(requestBytes(CHAT.streamPath, { body: CHAT.body(true) }));
    await until("the stream has begun", () => stream.receivedBytes > 200);
    renew(SECOND);
    await untilServed(SECOND);
    const reply = await stream.reply();
    expect([reply.isWhole, reply.body.toString()]).toEqual([true, CHAT.frames.join("")]);
    // A client finds its idle connection closed, as after a restart.
    await idle.closed;
    renew(FIRST, "by a rename");
    await untilServed(FIRST);
    stream.leave();
  });

  test("a key of another certificate, and a file without a certificate, leave the pair before in force", async () => {
    for (const [name, text, words] of [
      ["key.pem", SECOND, "is not the private key of the certificate"],
      ["key.pem", "no key", "holds no private key that can be read"],
      ["cert.pem", "", "holds no certificate that can be read"],
    ] as const) {
      writeFileSync(join(gateway.folder, name), text);
      await until("it is said", () => gateway.log().includes(words), LIMIT_MS);
      expect(await served()).toBe(serialOf(FIRST));
      const client = await open();
      client.send(`GET /readyz HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${METRICS_KEY}\r\n\r\n`);
      expect((await client.reply()).body.toString()).toContain(words);
      client.leave();
    }
    renew(SECOND);
    await untilServed(SECOND);
  });

  test("a pipe in place of a certificate is not read, and the next change is", async () => {
    const file = join(gateway.folder, "cert.pem");
    rmSync(file);
    Bun.spawnSync(["mkfifo", file]);
    await until("it is said", () => gateway.log().includes("this is not a file"), LIMIT_MS);
    expect(await served()).toBe(serialOf(FIRST));
    rmSync(file);
    renew(SECOND);
    await untilServed(SECOND);
  });

  test(`over ${RENEWALS} renewals no connection is refused and no request is lost`, async () => {
    let isOver = false;
    let asked = 0;
    const lost: string[] = [];
    /** Connections that the first server had not accepted yet when it stopped: no request was on them. */
    let resets = 0;
    /** Asks on one connection until it ends, as clients do: not after a reply that says "close". */
    const askOn = async (client: RawClient, times: number): Promise<void> => {
      for (let n = 0; n < times && !client.isClosed && !isOver; n++) {
        asked++;
        client.send(HEALTH);
        const { status, headers } = await client.reply(LIMIT_MS);
        if (status !== 200) lost.push(`status ${status} on request ${n} of a connection`);
        if (status === 0 || headers.get("connection") === "close") break;
      }
      client.leave();
    };
    const loop = async (times: number): Promise<void> => {
      while (!isOver) {
        const client = await open().catch((cause: NodeJS.ErrnoException) => {
          if (cause.code === "ECONNRESET") resets++;
          else lost.push(`no connection: ${cause}`);
        });
        if (client) await askOn(client, times);
        else await Bun.sleep(10);
      }
    };
    const load = [...[1, 1, 1, 1].map(loop), ...[1_000_000, 1_000_000].map(loop)];
    for (let i = 1; i <= RENEWALS; i++) {
      const next = i % 2 === 1 ? SECOND : FIRST;
      renew(next);
      await untilServed(next);
      // Until the server before accepts nothing more.
      await Bun.sleep(600);
      expect(await served()).toBe(serialOf(next));
    }
    isOver = true;
    await Promise.all(load);
    expect(lost).toEqual([]);
    expect(resets).toBeLessThanOrEqual(2 * RENEWALS);
    expect(gateway.log().split("was taken over")).toHaveLength(RENEWALS + 1);
    expect(asked).toBeGreaterThan(RENEWALS * 10);
  });

  test("a port that another gateway has is still refused", async () => {
    const second = await gateway.command(
      "serve",
      "--port",
      String(gateway.port),
      "--data-dir",
      join(gateway.folder, "other"),
    );
    expect([second.exitCode, second.err]).toEqual([
      1,
      expect.stringContaining("is taken by another Clewline"),
    ]);
  });
});
