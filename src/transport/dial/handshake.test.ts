import { expect, test } from "bun:test";
import fc from "fast-check";
import { type ProxyServer, parseProxy } from "../../config/network/via.ts";
import { ConnectHandshake } from "./connect-handshake.ts";
import type { HandshakeStep, ProxyHandshake } from "./proxy-handshake.ts";
import { Socks5Handshake } from "./socks5-handshake.ts";

function proxyOf(text: string): ProxyServer {
  const proxy = parseProxy(text);
  if ("message" in proxy) throw new Error(proxy.message);
  return proxy;
}

const HTTP = proxyOf("http://me:hunter2@proxy.example:3128");
const SOCKS = proxyOf("socks5h://me:hunter2@proxy.example:1080");
const TARGET = { host: "up.example", port: 443 };

/** Feeds the pieces until the handshake is over. Returns what it sent, and how it ended. */
function play(handshake: ProxyHandshake, pieces: readonly Buffer[]): { sent: string; end: string } {
  let sent = Buffer.from(handshake.begin()).toString("hex");
  for (const [i, piece] of pieces.entries()) {
    const step: HandshakeStep = handshake.feed(piece);
    if (step.kind === "goes-on") {
      if (step.send !== null) sent += ` ${Buffer.from(step.send).toString("hex")}`;
    } else if (step.kind === "failed") return { sent, end: step.error.message };
    else {
      const rest = Buffer.concat([piece.subarray(step.readBytes), ...pieces.slice(i + 1)]);
      return { sent, end: `connected, then "${rest.toString("latin1")}"` };
    }
  }
  return { sent, end: "goes on" };
}

/** The bytes, cut at these places. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const sorted = [0, ...places.map((place) => place % (bytes.length + 1)), bytes.length].toSorted(
    (a, b) => a - b,
  );
  return sorted
    .slice(1)
    .flatMap((end, i) => (end > (sorted[i] ?? 0) ? [bytes.subarray(sorted[i], end)] : []));
}

const CUTS = fc.array(fc.nat(200), { maxLength: 6 });

test("CONNECT is understood however its answer is cut, and the server's first bytes are kept", () => {
  const answer = Buffer.from("HTTP/1.1 200 Connection established\r\nVia: 1.1 squid\r\n\r\n220 mail.example");
  fc.assert(
    fc.property(CUTS, (places) => {
      const { sent, end } = play(new ConnectHandshake(HTTP, TARGET), cut(answer, places));
      expect(end).toBe('connected, then "220 mail.example"');
      expect(Buffer.from(sent, "hex").toString()).toBe(
        "CONNECT up.example:443 HTTP/1.1\r\nhost: up.example:443\r\nproxy-authorization: Basic bWU6aHVudGVyMg==\r\n\r\n",
      );
    }),
  );
});

test("SOCKS 5 is understood however each answer is cut, with every form of address in it", () => {
  const addresses = [
    [1, 127, 0, 0, 1],
    [3, 4, 104, 111, 115, 116],
    [4, ...Array<number>(16).fill(9)],
  ];
  fc.assert(
    fc.property(CUTS, CUTS, fc.constantFrom(...addresses), (first, second, address) => {
      const connected = Buffer.from([5, 0, 0, ...address, 0, 80, 0x32, 0x32]);
      const pieces = [Buffer.from([5, 2]), ...cut(Buffer.from([1, 0]), first), ...cut(connected, second)];
      const { sent, end } = play(new Socks5Handshake(SOCKS, TARGET), pieces);
      expect(end).toBe('connected, then "22"');
      const name = Buffer.from("up.example").toString("hex");
      expect(sent).toBe(`05020002 01026d650768756e74657232 050100030a${name}01bb`);
    }),
  );
});

test("addresses go to a SOCKS proxy as addresses", () => {
  for (const [host, hex] of [
    ["127.0.0.1", "017f000001"],
    ["::1", "0400000000000000000000000000000001"],
    ["2606:4700::1111", "0426064700000000000000000000001111"],
    ["fe80::1%eth0", "04fe800000000000000000000000000001"],
  ] as const) {
    const handshake = new Socks5Handshake(SOCKS, { host, port: 80 });
    const { sent } = play(handshake, [Buffer.from([5, 0])]);
    expect([host, sent.split(" ")[1]]).toEqual([host, `050100${hex}0050`]);
  }
});

test("any bytes from a proxy end in a connection, a failure with a repair, or a wait, and never in an exception", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), CUTS, fc.boolean(), (bytes, places, isSocks) => {
      const handshake = isSocks ? new Socks5Handshake(SOCKS, TARGET) : new ConnectHandshake(HTTP, TARGET);
      const { end } = play(handshake, cut(Buffer.from(bytes), places));
      expect(end).not.toContain("hunter2");
    }),
  );
});

test("a head that never ends is not kept", () => {
  const handshake = new ConnectHandshake(HTTP, TARGET);
  handshake.begin();
  const line = Buffer.from(`HTTP/1.1 200 OK\r\n${"x: y\r\n".repeat(1_000)}`);
  let step: HandshakeStep = { kind: "goes-on", send: null };
  for (let i = 0; i < 20 && step.kind === "goes-on"; i++) step = handshake.feed(line);
  expect(step).toMatchObject({ kind: "failed", isOfTarget: false });
});
