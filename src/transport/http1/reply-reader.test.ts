import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { HeaderView } from "../../core/header-view.ts";
import { ReplyReader } from "./reply-reader.ts";

interface Outcome {
  readonly status: number | null;
  readonly headers: [string, string][];
  readonly body: string;
  readonly end: "whole" | "open" | "garbage";
  readonly hasSurplus: boolean;
}

/** What a reader makes of a reply that comes in these pieces; `closes`: the upstream then ends the connection. */
function read(pieces: readonly Buffer[], method = "POST", closes = false): Outcome {
  const reader = new ReplyReader(method);
  const body: Buffer[] = [];
  let hasSurplus = false;
  for (const piece of pieces) {
    if (reader.isWhole || reader.error !== null) {
      hasSurplus ||= reader.isWhole && piece.length > 0;
      continue;
    }
    // A copy, as a socket gives it: the reader may move bytes within.
    reader.feed(Buffer.from(piece));
    if (reader.body !== null) body.push(Buffer.from(reader.body));
    hasSurplus ||= reader.hasSurplus;
  }
  if (closes && reader.error === null && !reader.isWhole) reader.finish();
  if (reader.error !== null) expect(reader.error.kind).toBe("upstream_garbage");
  return {
    status: reader.head?.status ?? null,
    headers: reader.head === null ? [] : linesOf(reader.head.headers),
    body: Buffer.concat(body).toString("latin1"),
    end: reader.error !== null ? "garbage" : reader.isWhole ? "whole" : "open",
    hasSurplus,
  };
}

function linesOf(headers: HeaderView): [string, string][] {
  const lines: [string, string][] = [];
  headers.forEach((value, name) => {
    lines.push([name, value]);
  });
  return lines.sort(([a], [b]) => (a < b ? -1 : 1));
}

function readText(text: string, method?: string, closes?: boolean): Outcome {
  return read([Buffer.from(text, "latin1")], method, closes);
}

function isKept(head: string): boolean | undefined {
  const reader = new ReplyReader("GET");
  reader.feed(Buffer.from(head, "latin1"));
  return reader.head?.isKept;
}

const OK = "HTTP/1.1 200 OK\r\n";
const CHUNKED = `${OK}Transfer-Encoding: chunked\r\n\r\n`;

const WHOLE: Record<string, readonly [reply: string, body: string]> = {
  "a body with its length": [`${OK}Content-Length: 5\r\n\r\nhello`, "hello"],
  "the same length twice": [`${OK}Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello`, "hello"],
  "an empty body": [`${OK}Content-Length: 0\r\n\r\n`, ""],
  "no content, whatever its length": ["HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", ""],
  "not modified": ["HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n", ""],
  "no reason phrase": ["HTTP/1.1 200 \r\nContent-Length: 1\r\n\r\nx", "x"],
  "not even the blank before it": ["HTTP/1.1 200\r\nContent-Length: 1\r\n\r\nx", "x"],
  "HTTP/1.0 with a length": ["HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", "x"],
  "one chunk": [`${CHUNKED}5\r\nhello\r\n0\r\n\r\n`, "hello"],
  "many chunks": [
    `${CHUNKED}1\r\na\r\n2\r\nbc\r\n0A\r\n0123456789\r\n3\r\nend\r\n0\r\n\r\n`,
    "abc0123456789end",
  ],
  "chunk extensions": [`${CHUNKED}5;a=b;c="d;e"\r\nhello\r\n0;last\r\n\r\n`, "hello"],
  "blanks after a chunk size": [`${CHUNKED}5 \t\r\nhello\r\n0 ;x\r\n\r\n`, "hello"],
  trailers: [`${CHUNKED}1\r\nx\r\n0\r\nDigest: abc\r\nOther: d\r\n\r\n`, "x"],
  "an empty chunked body": [`${CHUNKED}0\r\n\r\n`, ""],
  "line ends within a chunk": [`${CHUNKED}8\r\n\r\n0\r\n\r\nx\r\n0\r\n\r\n`, "\r\n0\r\n\r\nx"],
  "chunked in capitals": [`${OK}TRANSFER-ENCODING: Chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n`, "x"],
  "a note before the reply": [
    `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n${OK}Content-Length: 1\r\n\r\nx`,
    "x",
  ],
  "bytes that are not ASCII": [`${OK}X-Name: caf\xe9\r\nContent-Length: 2\r\n\r\n\xff\xfe`, "\xff\xfe"],
};

const GARBAGE: Record<string, string> = {
  "another protocol": "SSH-2.0-OpenSSH_9.6\r\n",
  "a TLS alert": "\x15\x03\x01\x00\x02\x02\x46",
  "HTTP/2": "HTTP/2 200 OK\r\n\r\n",
  "HTTP/0.9": "<html>",
  "an empty line first": `\r\n${OK}Content-Length: 0\r\n\r\n`,
  "a status of two digits": "HTTP/1.1 20 OK\r\n\r\n",
  "a status of four digits": "HTTP/1.1 2000 OK\r\n\r\n",
  "a status that no HTTP knows": "HTTP/1.1 600 What\r\n\r\n",
  "a status glued to its reason": "HTTP/1.1 200OK\r\n\r\n",
  "bare line feeds": "HTTP/1.1 200 OK\nContent-Length: 0\n\n",
  "one bare line feed": `${OK}A: b\nContent-Length: 0\r\n\r\n`,
  "a bare carriage return": `${OK}A: b\rc\r\nContent-Length: 0\r\n\r\n`,
  "a carriage return too many": `${OK}A: b\r\r\n\r\n`,
  "a zero byte": `${OK}A: b\0c\r\n\r\n`,
  "an escape": `${OK}A: \x1b[31m\r\n\r\n`,
  "a header without a colon": `${OK}Nonsense\r\n\r\n`,
  "a header without a name": `${OK}: value\r\n\r\n`,
  "a blank before the colon": `${OK}Content-Length : 5\r\n\r\nhello`,
  "a folded header": `${OK}A: b\r\n c\r\n\r\n`,
  "a header folded under the status": `${OK} A: b\r\n\r\n`,
  "a name that is no token": `${OK}A(b): c\r\n\r\n`,
  "two lengths": `${OK}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello`,
  "two lengths in one": `${OK}Content-Length: 5, 5\r\n\r\nhello`,
  "a signed length": `${OK}Content-Length: +5\r\n\r\nhello`,
  "a negative length": `${OK}Content-Length: -5\r\n\r\nhello`,
  "a length in hex": `${OK}Content-Length: 0x5\r\n\r\nhello`,
  "a length after a blank that HTTP does not know": `${OK}Content-Length: \xa05\r\n\r\nhello`,
  "an empty length": `${OK}Content-Length:\r\n\r\nhello`,
  "a length beyond counting": `${OK}Content-Length: 9999999999999999\r\n\r\nhello`,
  "a length beside chunks": `${OK}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  "another transfer coding": `${OK}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
  "chunked twice": `${OK}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  "a transfer coding like chunked": `${OK}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`,
  "chunks in HTTP/1.0": "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  "a change of protocol": "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
  "notes without end": "HTTP/1.1 102 Processing\r\n\r\n".repeat(40),
  "too many headers": `${OK}${"A: b\r\n".repeat(201)}\r\n`,
  "a head without end": `${OK}A: ${"b".repeat(70_000)}`,
  "a head that is too large": `${OK}A: ${"b".repeat(70_000)}\r\n\r\n`,
  "a chunk size that is none": `${CHUNKED}x\r\n`,
  "an empty chunk size": `${CHUNKED}\r\nhello`,
  "a signed chunk size": `${CHUNKED}+5\r\nhello\r\n0\r\n\r\n`,
  "a chunk size in C": `${CHUNKED}0x5\r\nhello\r\n0\r\n\r\n`,
  "blanks before a chunk size": `${CHUNKED} 5\r\nhello\r\n0\r\n\r\n`,
  "two chunk sizes": `${CHUNKED}5 5\r\nhello\r\n0\r\n\r\n`,
  "a chunk size beyond counting": `${CHUNKED}fffffffffffffffff\r\n`,
  "a chunk size line without end": `${CHUNKED}5;${"a".repeat(1_100)}`,
  "leading zeros without end": `${CHUNKED}${"0".repeat(1_100)}`,
  "a line feed in a chunk extension": `${CHUNKED}5;a\nb\r\nhello\r\n0\r\n\r\n`,
  "a bare line feed after a chunk size": `${CHUNKED}5\nhello\r\n0\r\n\r\n`,
  "a chunk longer than it said": `${CHUNKED}5\r\nhello!\r\n0\r\n\r\n`,
  "a chunk shorter than it said": `${CHUNKED}6\r\nhello\r\n0\r\n\r\n`,
  "a bare line feed after a chunk": `${CHUNKED}5\r\nhello\n0\r\n\r\n`,
  "a bare line feed in the trailers": `${CHUNKED}0\r\nA: b\n\r\n`,
  "a bare line feed as the last line": `${CHUNKED}0\r\n\n`,
  "trailers without end": `${CHUNKED}0\r\n${"A: b\r\n".repeat(3_000)}`,
};

describe("a reply", () => {
  for (const [what, [reply, body]] of Object.entries(WHOLE)) {
    test(`is whole: ${what}`, () => {
      expect(readText(reply)).toMatchObject({ body, end: "whole", hasSurplus: false });
      expect(readText(`${reply}more`)).toMatchObject({ body, end: "whole", hasSurplus: true });
    });
  }

  for (const [what, reply] of Object.entries(GARBAGE)) {
    test(`is refused: ${what}`, () => expect(readText(reply).end).toBe("garbage"));
  }

  test("gives the good bytes that came before bad ones", () => {
    expect(readText(`${CHUNKED}2\r\nab\r\n2\r\ncd\r\nzz`).body).toBe("abcd");
  });

  test("is open until its last byte", () => {
    for (const [reply] of Object.values(WHOLE)) {
      for (let size = 0; size < reply.length; size++) {
        const outcome = readText(reply.slice(0, size), "POST", true);
        expect([size, outcome.end]).toEqual([size, "open"]);
      }
    }
  });

  test("goes on until the upstream closes when it says neither length nor chunks", () => {
    const reply = `${OK}Content-Type: text/plain\r\n\r\nsome text`;
    expect(readText(reply)).toMatchObject({ body: "some text", end: "open" });
    expect(readText(reply, "POST", true)).toMatchObject({ body: "some text", end: "whole" });
  });

  test("has no body when only the head was asked for", () => {
    expect(readText(`${OK}Content-Length: 5\r\n\r\n`, "HEAD")).toMatchObject({ end: "whole" });
    expect(readText(CHUNKED, "HEAD")).toMatchObject({ end: "whole" });
    expect(readText(OK.concat("\r\n"), "HEAD")).toMatchObject({ end: "whole" });
  });

  test("keeps headers that come more than once, and values as they are", () => {
    const { headers } = readText(
      `${OK}Set-Cookie: a=1\r\nset-cookie: b=2\r\nX:  caf\xe9 \t\r\nY: 1\r\ny: 2\r\nEmpty:\r\nContent-Length: 0\r\n\r\n`,
    );
    expect(new Map(headers).get("set-cookie")).toBe("a=1, b=2");
    expect(new Map(headers).get("x")).toBe("caf\xe9");
    expect(new Map(headers).get("y")).toBe("1, 2");
    expect(new Map(headers).get("empty")).toBe("");
  });

  test("takes as many headers and as large a head as it says", () => {
    expect(readText(`${OK}${"A: b\r\n".repeat(200)}\r\n`).status).toBe(200);
    const head = (sizeBytes: number): string => `${OK}A: ${"b".repeat(sizeBytes - 24)}\r\n\r\n`;
    expect(head(65_536).length).toBe(65_536);
    expect(readText(head(65_536)).status).toBe(200);
    expect(readText(head(65_537)).end).toBe("garbage");
  });

  test("says whether its connection can be used again", () => {
    const length = "Content-Length: 0\r\n\r\n";
    expect(isKept(OK + length)).toBe(true);
    expect(isKept(`${OK}Connection: Close\r\n${length}`)).toBe(false);
    expect(isKept(`${OK}Connection: foo, close\r\n${length}`)).toBe(false);
    expect(isKept(`${OK}\r\n`)).toBe(false);
    expect(isKept(`HTTP/1.0 200 OK\r\n${length}`)).toBe(false);
    expect(isKept(`HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n${length}`)).toBe(true);
  });
});

describe("any split of the bytes", () => {
  /** Cuts a reply at sorted places. */
  function cut(reply: Buffer, places: readonly number[]): Buffer[] {
    const sorted = [...places].map((place) => place % (reply.length + 1)).sort((a, b) => a - b);
    return [0, ...sorted].map((from, i) => reply.subarray(from, sorted[i] ?? reply.length));
  }

  const corpus = [...Object.values(WHOLE).map(([reply]) => reply), ...Object.values(GARBAGE)].map((reply) =>
    Buffer.from(reply, "latin1"),
  );

  test("means the same, one byte at a time", () => {
    for (const reply of corpus) {
      if (reply.length > 20_000) continue;
      expect(read([...reply].map((byte) => Buffer.of(byte)))).toEqual(read([reply]));
    }
  });

  test("means the same, cut anywhere", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...corpus),
        fc.array(fc.nat(200), { maxLength: 12 }),
        fc.constantFrom("", "HTTP/1.1 200 OK\r\n\r\n", "x"),
        fc.boolean(),
        (reply, places, surplus, closes) => {
          const all = Buffer.concat([reply, Buffer.from(surplus)]);
          expect(read(cut(all, places), "POST", closes)).toEqual(read([all], "POST", closes));
        },
      ),
      { numRuns: 2_000 },
    );
  });

  test("gives chunks of any sizes as the bytes that they hold", () => {
    const chunk = fc.uint8Array({ minLength: 1, maxLength: 300 }).map((bytes) => Buffer.from(bytes));
    fc.assert(
      fc.property(
        fc.array(chunk, { maxLength: 20 }),
        fc.array(fc.nat(6_000), { maxLength: 12 }),
        (chunks, places) => {
          const coded = chunks.map((bytes) =>
            Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from("\r\n")]),
          );
          const reply = Buffer.concat([Buffer.from(CHUNKED), ...coded, Buffer.from("0\r\n\r\n")]);
          expect(read(cut(reply, places))).toMatchObject({
            end: "whole",
            body: Buffer.concat(chunks).toString("latin1"),
          });
        },
      ),
    );
  });

  test("never makes it throw, whatever the bytes", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 400 }),
        fc.constantFrom("", OK, CHUNKED),
        fc.array(fc.nat(400), { maxLength: 6 }),
        (bytes, beginning, places) => {
          const all = Buffer.concat([Buffer.from(beginning), bytes]);
          expect(read(cut(all, places))).toEqual(read([all]));
        },
      ),
      { numRuns: 2_000 },
    );
  });
});

describe("P7 the framing of chunks", () => {
  const head = `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n`;
  const feedAll = (chunk: string, times: number): ReplyReader => {
    const reader = new ReplyReader("GET");
    reader.feed(Buffer.from(head));
    for (let n = 0; n < times && reader.error === null; n++) reader.feed(Buffer.from(chunk));
    return reader;
  };

  test("may be more than the payload, as of a server that flushes each byte", () => {
    expect(feedAll("1\r\nx\r\n".repeat(1_000), 2_000).error).toBeNull();
  });

  test("may be much for a short answer", () => {
    expect(feedAll(`1;${"e".repeat(1_000)}\r\nx\r\n`, 900).error).toBeNull();
  });

  test("beyond a megabyte and 64 times the payload ends the reply", () => {
    const { error } = feedAll(`1;${"e".repeat(1_000)}\r\nx\r\n`, 2_000);
    expect(error).toMatchObject({ kind: "upstream_garbage", detail: expect.stringContaining("framing") });
  });
});
