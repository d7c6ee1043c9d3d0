import { afterAll, afterEach, describe, expect, test } from "bun:test";
import type { Socket } from "node:net";
import {
  brotliCompressSync,
  createGzip,
  deflateRawSync,
  deflateSync,
  gzipSync,
  zstdCompressSync,
} from "node:zlib";
import { GatewayError } from "../../core/errors.ts";
import { headOf } from "../call.ts";
import {
  makeRequest,
  makeTransport,
  type RawUpstream,
  refusal,
  startUpstream,
  take,
  until,
} from "./fixtures/raw-upstream.ts";

const transport = makeTransport();
const running: RawUpstream[] = [];
afterEach(() => {
  for (const upstream of running.splice(0)) upstream.stop();
});
afterAll(() => transport.stop());

async function upstreamThat(onRequest: (socket: Socket) => void): Promise<RawUpstream> {
  const upstream = await startUpstream(onRequest);
  running.push(upstream);
  return upstream;
}

function reply(coding: string, body: Uint8Array): Buffer {
  const head = `HTTP/1.1 200 OK\r\nContent-Encoding: ${coding}\r\nContent-Length: ${body.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), body]);
}

const TEXT = Buffer.from("data: one event of many\n\n".repeat(20_000));
const CODED: Record<string, readonly [coding: string, encode: (bytes: Uint8Array) => Uint8Array]> = {
  gzip: ["gzip", gzipSync],
  "gzip by its old name, in capitals": ["X-GZIP", gzipSync],
  deflate: ["deflate", deflateSync],
  "deflate as some servers mean it": ["deflate", deflateRawSync],
  brotli: ["br", brotliCompressSync],
  zstd: ["zstd", zstdCompressSync],
};

describe("a reply that is compressed although nobody asked", () => {
  for (const [what, [coding, encode]] of Object.entries(CODED)) {
    test(`is decoded: ${what}`, async () => {
      const upstream = await upstreamThat((socket) => socket.write(reply(coding, encode(TEXT))));
      for (let i = 0; i < 2; i++) {
        const { headers, body, error } = await take(transport.send(makeRequest(upstream.url)));
        expect([body.equals(TEXT), error]).toEqual([true, null]);
        expect([headers.get("content-encoding"), headers.get("content-length")]).toEqual([null, null]);
      }
      expect(upstream.sockets.length).toBe(1);
    });

    test(`is an error when it is not what it says: ${what}`, async () => {
      const broken = Buffer.concat([encode(TEXT).subarray(0, 40), Buffer.alloc(100, 0x55)]);
      const upstream = await upstreamThat((socket) => socket.write(reply(coding, broken)));
      const { error } = await take(transport.send(makeRequest(upstream.url)));
      expect(error?.kind).toBe("upstream_garbage");
    });

    test(`is an error when it lacks its end: ${what}`, async () => {
      const coded = encode(TEXT);
      const upstream = await upstreamThat((socket) =>
        socket.write(reply(coding, coded.subarray(0, coded.length - 3))),
      );
      const { error } = await take(transport.send(makeRequest(upstream.url)));
      expect(error?.kind).toBe("upstream_garbage");
    });
  }

  test("passes when it is empty, or not compressed at all", async () => {
    const bodies = ["", "plain"];
    const upstream = await upstreamThat((socket) => {
      const body = bodies.shift() ?? "";
      socket.write(reply(body === "" ? "gzip" : "identity", Buffer.from(body)));
    });
    expect((await take(transport.send(makeRequest(upstream.url)))).error).toBe(null);
    expect((await take(transport.send(makeRequest(upstream.url)))).body.toString()).toBe("plain");
  });

  test("is refused when nobody knows the coding, or when there are several", async () => {
    const codings = ["compress", "gzip, br", "constructor"];
    const upstream = await upstreamThat((socket) =>
      socket.write(reply(codings.shift() ?? "", Buffer.from("x"))),
    );
    for (let i = 0; i < 3; i++) {
      expect((await refusal(transport.send(makeRequest(upstream.url)))).kind).toBe("upstream_garbage");
    }
  });

  test("comes event by event, as the upstream flushes them", async () => {
    const gzip = createGzip();
    const upstream = await upstreamThat((socket) => {
      socket.write("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n");
      gzip.on("data", (bytes: Buffer) => {
        socket.write(`${bytes.length.toString(16)}\r\n`);
        socket.write(bytes);
        socket.write("\r\n");
      });
      gzip.on("end", () => socket.write("0\r\n\r\n"));
    });
    const call = transport.send(makeRequest(upstream.url));
    await headOf(call);
    let seen = "";
    call.pipe({
      chunk: (bytes) => {
        seen += Buffer.from(bytes).toString();
        return true;
      },
      end: (error) => {
        seen += `end ${error}`;
      },
    });
    for (const event of ["one ", "two ", "six "]) {
      gzip.write(event);
      gzip.flush();
      await until(() => seen.endsWith(event));
    }
    gzip.end();
    await until(() => seen.endsWith("null"));
    expect(seen).toBe("one two six end null");
  });

  test("waits with the rest while its sink pauses, and is dropped by an abort", async () => {
    // 64 MB of zeros in 64 kB: what is decoded too early would be seen.
    const upstream = await upstreamThat((socket) =>
      socket.write(reply("gzip", gzipSync(Buffer.alloc(64 << 20)))),
    );
    for (const isAborted of [false, true]) {
      const call = transport.send(makeRequest(upstream.url));
      await headOf(call);
      let sizeBytes = 0;
      let isPaused = true;
      let ended = "";
      call.pipe({
        chunk: (bytes) => {
          sizeBytes += bytes.length;
          return !isPaused;
        },
        end: (error) => {
          ended = String(error);
        },
      });
      await until(() => sizeBytes > 0);
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(sizeBytes).toBeLessThan(1 << 20);
      isPaused = false;
      if (isAborted) {
        const before = sizeBytes;
        call.abort(new GatewayError("internal", "left"));
        call.resume();
        await new Promise((resolve) => setTimeout(resolve, 50));
        expect([sizeBytes, ended]).toEqual([before, ""]);
      } else {
        call.resume();
        await until(() => ended !== "");
        expect([sizeBytes, ended]).toEqual([64 << 20, "null"]);
      }
    }
  });
});

test("a zstd frame that wants a window of more than 8 MiB is refused, as HTTP says, before it takes the memory", async () => {
  const frame = (descriptor: number): Buffer =>
    Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, descriptor, 0x09, 0, 0, 0x61]);
  const bodies = [13 << 3, 14 << 3, 17 << 3].map(frame);
  const upstream = await upstreamThat((socket) =>
    socket.write(reply("zstd", bodies.shift() ?? Buffer.alloc(0))),
  );
  const first = await take(transport.send(makeRequest(upstream.url)));
  expect([first.body.toString(), first.error]).toEqual(["a", null]);
  for (let i = 0; i < 2; i++) {
    const { error } = await take(transport.send(makeRequest(upstream.url)));
    expect(error).toMatchObject({ kind: "upstream_garbage" });
  }
});
