import { describe, expect, test } from "bun:test";
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { GatewayError } from "../core/errors.ts";
import { readBody } from "./body.ts";

const LIMIT = 100_000;
const encode = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

/** A request with a declared length, as most clients send it. */
function declared(body: Uint8Array, headers: Record<string, string> = {}): Request {
  return new Request("http://gateway/v1/messages", {
    method: "POST",
    body: body as Uint8Array<ArrayBuffer>,
    headers: { "content-length": String(body.byteLength), ...headers },
  });
}

/** A request in chunks; an `Error` among them is a client that is gone. */
function chunked(chunks: Iterable<Uint8Array | Error>, headers: Record<string, string> = {}): Request {
  const source = chunks[Symbol.iterator]();
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      const { done, value } = source.next();
      if (done) controller.close();
      else if (value instanceof Error) controller.error(value);
      else controller.enqueue(value);
    },
  });
  return new Request("http://gateway/v1/messages", { method: "POST", body, headers });
}

async function refusal(read: Promise<unknown>): Promise<GatewayError> {
  const error = await read.then(
    () => null,
    (cause: unknown) => cause,
  );
  expect(error).toBeInstanceOf(GatewayError);
  return error as GatewayError;
}

const ENCODERS = {
  gzip: gzipSync,
  "x-gzip": gzipSync,
  GZIP: gzipSync,
  " gzip ": gzipSync,
  deflate: deflateSync,
  br: brotliCompressSync,
  zstd: zstdCompressSync,
} as const;

describe.each(Object.entries(ENCODERS))("content-encoding %j", (name, compress) => {
  const headers = { "content-encoding": name };

  test("H-20 any body comes out as it was", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 5_000 }), async (plain) => {
        const packed = new Uint8Array(compress(plain));
        expect(Buffer.from(await readBody(declared(packed, headers), LIMIT))).toEqual(Buffer.from(plain));
        expect(
          Buffer.from(await readBody(chunked([packed.slice(0, 3), packed.slice(3)], headers), LIMIT)),
        ).toEqual(Buffer.from(plain));
      }),
      { numRuns: 20 },
    );
  });

  test("exactly the limit passes, a byte more does not", async () => {
    const exact = new Uint8Array(compress(Buffer.alloc(LIMIT, "a")));
    expect((await readBody(declared(exact, headers), LIMIT)).byteLength).toBe(LIMIT);
    const more = new Uint8Array(compress(Buffer.alloc(LIMIT + 1, "a")));
    expect((await refusal(readBody(declared(more, headers), LIMIT))).kind).toBe("body_too_large");
  });

  test("H-20 a bomb is a 413, not its size in memory", async () => {
    const bomb = new Uint8Array(compress(Buffer.alloc(8 * 1024 * 1024)));
    expect(bomb.byteLength).toBeLessThan(LIMIT);
    const error = await refusal(readBody(declared(bomb, headers), LIMIT));
    expect(error).toMatchObject({ kind: "body_too_large", status: 413 });
  });

  test("what is not in that encoding is a 400 that names it", async () => {
    const error = await refusal(readBody(declared(encode("not compressed at all"), headers), LIMIT));
    expect(error.kind).toBe("bad_request");
    expect(error.message).toContain(name.trim().toLowerCase());
  });

  test("a truncated body is never taken for a whole one", async () => {
    const plain = encode('{"model":"m","messages":[]}'.repeat(50));
    const packed = new Uint8Array(compress(plain));
    for (const sizeBytes of [1, packed.length >> 1, packed.length - 1]) {
      const read = readBody(declared(packed.slice(0, sizeBytes), headers), LIMIT);
      // Bun's zstd gives what came before the break instead of an error: that is never valid JSON.
      if (name === "zstd") expect((await read).byteLength).toBeLessThan(plain.byteLength);
      else expect((await refusal(read)).kind).toBe("bad_request");
    }
  });
});

test("deflate without zlib's head is understood too, as some clients send it", async () => {
  const packed = new Uint8Array(deflateRawSync(encode("bare")));
  const body = await readBody(declared(packed, { "content-encoding": "deflate" }), LIMIT);
  expect(new TextDecoder().decode(body)).toBe("bare");
});

test.each(["identity", "", "IDENTITY"])("content-encoding %j changes nothing", async (name) => {
  const body = await readBody(declared(encode("{}"), { "content-encoding": name }), LIMIT);
  expect(new TextDecoder().decode(body)).toBe("{}");
});

test.each(["gzip, gzip", "gzip, br", "compress", "aws-chunked", "constructor", "x".repeat(500)])(
  "content-encoding %j is a 415 that says what is understood",
  async (name) => {
    const error = await refusal(readBody(declared(encode("{}"), { "content-encoding": name }), LIMIT));
    expect(error).toMatchObject({ kind: "bad_encoding", status: 415 });
    expect(error.message).toContain("gzip, deflate, br, zstd");
    expect(error.message.length).toBeLessThan(200);
  },
);

test("any plain body comes out as it was, however it was split", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uint8Array({ minLength: 1, maxLength: 50 }), { maxLength: 20 }),
      async (chunks) => {
        const whole = Buffer.concat(chunks);
        expect(Buffer.from(await readBody(chunked(chunks), LIMIT))).toEqual(whole);
        expect(Buffer.from(await readBody(declared(whole), LIMIT))).toEqual(whole);
      },
    ),
    { numRuns: 50 },
  );
});

test("no body at all is an empty one", async () => {
  expect(await readBody(new Request("http://gateway/", { method: "POST" }), LIMIT)).toEqual(
    new Uint8Array(0),
  );
});

test("a declared length over the limit is refused without reading a byte", async () => {
  let pulls = 0;
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        pulls += 1;
        controller.enqueue(encode("x"));
      },
    },
    { highWaterMark: 0 },
  );
  const request = new Request("http://gateway/", {
    method: "POST",
    body,
    headers: { "content-length": String(LIMIT + 1) },
  });
  expect((await refusal(readBody(request, LIMIT))).kind).toBe("body_too_large");
  expect(pulls).toBe(0);
});

test("H-21 an endless chunked body is read to the limit and no further", async () => {
  let sentBytes = 0;
  function* endless(): Generator<Uint8Array> {
    for (;;) {
      sentBytes += 10_000;
      yield new Uint8Array(10_000);
    }
  }
  const error = await refusal(readBody(chunked(endless()), LIMIT));
  expect(error.kind).toBe("body_too_large");
  expect(error.message).toContain(`${LIMIT} bytes`);
  expect(sentBytes).toBeLessThanOrEqual(LIMIT + 20_000);
});

test("a client that goes in the midst of its body is a bad request, not an exception", async () => {
  const error = await refusal(readBody(chunked([encode("half"), new Error("gone")]), LIMIT));
  expect(error).toMatchObject({ kind: "bad_request", status: 400 });
  expect(error.message).not.toContain("gone");
});
