import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type AwsHeader, awsMessage, seal, textHeader } from "../../test/kit/aws-event-stream.ts";
import { GatewayError } from "../core/errors.ts";
import { type AwsEventMessage, AwsEventStreamReader } from "./aws-event-stream.ts";

const MAX_BYTES = 10_000;

/** The messages as plain values, then "garbage" or "cut" where the bytes do not end well. */
function read(pieces: readonly Uint8Array[], maxBytes = MAX_BYTES): unknown[] {
  const reader = new AwsEventStreamReader(maxBytes);
  const found: unknown[] = [];
  const onMessage = ({ headers, payload }: AwsEventMessage) =>
    found.push([Object.fromEntries(headers), Buffer.from(payload).toString("latin1")]);
  try {
    for (const piece of pieces) reader.push(piece, onMessage);
  } catch (error) {
    if (!(error instanceof GatewayError) || error.kind !== "upstream_garbage") throw error;
    return [...found, "garbage"];
  }
  return reader.isBetweenMessages ? found : [...found, "cut"];
}

describe("Amazon's own examples", () => {
  test.each([
    ["an empty message", "00000010 00000000 05c248eb 7d98c8ff", [{}, ""]],
    [
      "a payload without headers",
      "0000001d 00000000 fd528c5a 7b27666f6f273a27626172277d c3653936",
      [{}, "{'foo':'bar'}"],
    ],
  ])("%s", (_, hex, message) => {
    expect(read([Buffer.from(hex.replaceAll(" ", ""), "hex")])).toEqual([message]);
  });
});

const header = fc.oneof(
  fc
    .record({ name: fc.string({ maxLength: 20 }), text: fc.string({ unit: "binary", maxLength: 50 }) })
    .map(({ name, text }) => textHeader(name, text)),
  fc
    .constantFrom<readonly [type: number, bytes: number]>(
      [0, 0],
      [1, 0],
      [2, 1],
      [3, 2],
      [4, 4],
      [5, 8],
      [8, 8],
      [9, 16],
    )
    .map(([type, bytes]): AwsHeader => ({ name: `t${type}`, type, value: new Uint8Array(bytes) })),
  fc.uint8Array({ maxLength: 30 }).map(
    (bytes): AwsHeader => ({
      name: "b",
      type: 6,
      value: Buffer.concat([Uint8Array.of(0, bytes.length), bytes]),
    }),
  ),
);
const message = fc.record({
  headers: fc.array(header, { maxLength: 5 }),
  payload: fc.uint8Array({ maxLength: 300 }),
});

const textsOf = (headers: readonly AwsHeader[]) =>
  Object.fromEntries(
    headers
      .filter(({ type }) => type === 7)
      .map(({ name, value }) => [name, Buffer.from(value.subarray(2)).toString()]),
  );

describe("a stream", () => {
  test("gives the same messages however it is split", () => {
    fc.assert(
      fc.property(
        fc.array(message, { maxLength: 5 }),
        fc.array(fc.nat(2_000), { maxLength: 12 }),
        (messages, cuts) => {
          const bytes = Buffer.concat(messages.map(({ headers, payload }) => awsMessage(headers, payload)));
          const expected = messages.map(({ headers, payload }) => [
            textsOf(headers),
            Buffer.from(payload).toString("latin1"),
          ]);
          const places = [
            0,
            ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b),
            bytes.length,
          ];
          expect(read(places.slice(1).map((to, i) => bytes.subarray(places[i], to)))).toEqual(expected);
          expect(read(Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(expected);
        },
      ),
    );
  });

  test("with one wrong bit gives no message from that place on", () => {
    fc.assert(
      fc.property(message, message, fc.nat(), ({ headers, payload }, second, place) => {
        const good = awsMessage(headers, payload);
        const bad = awsMessage(second.headers, second.payload);
        const at = place % (bad.length * 8);
        bad[at >> 3] = (bad[at >> 3] as number) ^ (1 << (at & 7));
        const [first, ...rest] = read([good, bad]);
        expect(first).toEqual([textsOf(headers), Buffer.from(payload).toString("latin1")]);
        expect(rest).toEqual(["garbage"]);
      }),
    );
  });

  test("that ends within a message is cut", () => {
    const bytes = awsMessage([textHeader(":event-type", "chunk")], "{}");
    for (let length = 1; length < bytes.length; length++)
      expect(read([bytes.subarray(0, length)])).toEqual(["cut"]);
  });

  test("keeps nothing of the bytes that were pushed", () => {
    const bytes = awsMessage([], "abc");
    let kept: Uint8Array = new Uint8Array(0);
    new AwsEventStreamReader(MAX_BYTES).push(bytes, ({ payload }) => {
      kept = payload;
    });
    bytes.fill(0);
    expect(Buffer.from(kept).toString()).toBe("abc");
  });
});

describe("garbage is found although its checksums are right:", () => {
  test.each([
    ["a message shorter than its frame", seal(15, 0, new Uint8Array(0))],
    ["headers longer than the message", seal(20, 5, new Uint8Array(4))],
    ["a name that leads out of the headers", seal(20, 4, Uint8Array.of(9, 97, 7, 0))],
    ["a header without a type", seal(18, 2, Uint8Array.of(1, 97))],
    ["a text that leads out of the headers", seal(21, 5, Uint8Array.of(1, 97, 7, 0, 9))],
    ["a text without its length", seal(20, 4, Uint8Array.of(1, 97, 7, 0))],
    ["a type that there is none of", seal(19, 3, Uint8Array.of(1, 97, 10))],
    ["HTML", Buffer.from("<html><body>Bad Gateway</body></html>")],
  ])("%s", (_, bytes) => {
    expect(read([bytes])).toEqual(["garbage"]);
  });

  test("a message beyond the bound, before it is held", () => {
    const bytes = awsMessage([], "x".repeat(85));
    expect(read([bytes], 101)).toHaveLength(1);
    expect(read([bytes.subarray(0, 12)], 100)).toEqual(["garbage"]);
  });
});
