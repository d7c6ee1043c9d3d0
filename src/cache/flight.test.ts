import { describe, expect, test } from "bun:test";
import "../../test/kit/property-seed.ts";
import fc from "fast-check";
import { GatewayError } from "../core/errors.ts";
import { AnswerMemory } from "./answer-memory.ts";
import { answerOf } from "./fixtures/answer.ts";
import { Flight, type FlightEnd, FlightReader, type NoAnswer } from "./flight.ts";
import type { AnswerHead } from "./kept-answer.ts";

const MB = 1_048_576;
const HEAD: AnswerHead = { status: 200, headers: { a: "b" }, isStreamed: true };
const { origin } = answerOf(["x"]);
const NO_ANSWER: NoAnswer = {
  outcome: "error",
  errorKind: "upstream_error",
  error: new GatewayError("upstream_error", "the upstream fails"),
  reply: null,
};
const whole = (tail: string): FlightEnd => ({ kind: "whole", tail: Buffer.from(tail), origin });

/** A client that takes pieces while it is not blocked. */
class Client extends FlightReader {
  readonly flight: Flight;
  readonly pieces: string[] = [];
  /** It reads by itself. */
  isFast = true;
  end: FlightEnd["kind"] | "none" | "too slow" | `leads after ${number}` | null = null;

  constructor(flight: Flight, isLeader = false) {
    super(isLeader);
    this.flight = flight;
  }

  begun(): void {
    if (this.isFast) this.isBlocked = false;
  }

  more(): void {
    while (!this.isBlocked && this.end === null) {
      const piece = this.flight.take(this);
      if (piece === null) break;
      this.pieces.push(Buffer.from(piece).toString());
      if (!this.isFast) this.isBlocked = true;
    }
    const { end } = this.flight;
    if (this.isBlocked || end === null || this.end !== null) return;
    if (end.kind === "whole" && end.tail !== null) this.pieces.push(Buffer.from(end.tail).toString());
    this.end = end.kind;
    this.flight.leave(this);
  }

  lead(failures: number): void {
    this.end = `leads after ${failures}`;
  }

  none(): void {
    this.end = "none";
  }

  tooSlow(): void {
    this.end = "too slow";
  }

  ping(bytes: Uint8Array): void {
    this.pieces.push(`ping ${Buffer.from(bytes)}`);
  }

  /** Reads one more piece. */
  read(): void {
    this.isBlocked = false;
    this.more();
    this.flight.moved();
  }
}

function stage(memoryBytes = 80 * MB) {
  const memory = new AnswerMemory({ memoryBytes, lifeMs: 60_000 });
  const flight = new Flight(memory);
  const leader = new Client(flight, true);
  flight.join(leader);
  const heard: string[] = [];
  flight.feedFrom({
    resume: () => heard.push("resume"),
    abandoned: () => heard.push("abandoned"),
    originSoFar: () => null,
  });
  return { memory, flight, leader, heard };
}

describe("a flight", () => {
  test("gives each reader all pieces as they came, whenever it joins", () => {
    const step = fc.constantFrom("piece", "join", "read", "ping");
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { flight, leader, memory } = stage();
        const clients = [leader];
        const sent: string[] = [];
        flight.begin(HEAD);
        for (const [i, what] of steps.entries()) {
          if (what === "piece") sent.push(`piece ${i};`);
          if (what === "piece") flight.append(Buffer.from(`piece ${i};`));
          else if (what === "join") {
            const client = new Client(flight);
            client.isFast = i % 2 === 0;
            clients.push(client);
            flight.join(client);
          } else if (what === "read") clients[i % clients.length]?.read();
          else flight.ping(Buffer.from("!"));
        }
        flight.finish(whole("last"), () => undefined);
        for (const client of clients) while (client.end === null) client.read();
        for (const client of clients) {
          expect(client.pieces.filter((piece) => !piece.startsWith("ping"))).toEqual([...sent, "last"]);
          expect(client.end).toBe("whole");
        }
        expect(memory.bytes).toBe(0);
      }),
    );
  });

  test("is kept with its pieces, and given again in the same ones", () => {
    const { flight } = stage();
    flight.begin(HEAD);
    for (const piece of ["a", "bc", "def"]) flight.append(Buffer.from(piece));
    let kept = null;
    flight.finish(whole("end"), () => {
      kept = flight.keep(7);
    });
    expect(kept).toMatchObject({ head: HEAD, origin, ends: [1, 3, 6, 9], atMs: 7 });
    let isBack = 0;
    const again = Flight.of({ answer: kept as never, giveBack: () => (isBack += 1) });
    const client = new Client(again);
    again.join(client);
    expect(client.pieces).toEqual(["a", "bc", "def", "end"]);
    expect(isBack).toBe(1);
  });

  test("pauses its source when all readers are blocked, and goes on with the first that reads", () => {
    const { flight, leader, heard } = stage();
    const slow = new Client(flight);
    leader.isFast = false;
    slow.isFast = false;
    flight.join(slow);
    flight.begin(HEAD);
    expect(flight.append(Buffer.from("1"))).toBe(false);
    slow.read();
    expect(heard).toEqual([]);
    slow.isBlocked = false;
    flight.moved();
    expect(heard).toEqual(["resume"]);
    expect(flight.append(Buffer.from("2"))).toBe(false);
  });

  test("ends when its last reader leaves, not before, and takes nobody in behind that", () => {
    const { flight, leader, heard, memory } = stage();
    const other = new Client(flight);
    flight.join(other);
    flight.begin(HEAD);
    flight.append(Buffer.from("piece"));
    expect(memory.bytes).toBeGreaterThan(0);
    flight.leave(leader);
    expect(flight.hasLeaderLeft).toBe(true);
    expect(flight.canBeJoined).toBe(true);
    expect(heard).toEqual([]);
    flight.leave(other);
    expect(heard).toEqual(["abandoned"]);
    expect(flight.canBeJoined).toBe(false);
    expect(memory.bytes).toBe(0);
    // What still comes is not kept: its beginning is gone.
    let kept: unknown = "not asked";
    flight.append(Buffer.from("more"));
    flight.finish(whole("end"), () => {
      kept = flight.keep(0);
    });
    expect(kept).toBeNull();
    expect(memory.bytes).toBe(0);
  });

  test("whose leader fails before anything is there is passed on, in the order in which readers came", () => {
    const { flight, leader, memory, heard } = stage();
    const [second, third] = [new Client(flight), new Client(flight)];
    for (const client of [second, third]) flight.join(client);
    flight.loseLeader(NO_ANSWER);
    expect([leader.end, second.end, third.end]).toEqual(["none", null, null]);
    // Between two leaders others may come and go.
    const late = new Client(flight);
    flight.join(late);
    expect(flight.canBeJoined).toBe(true);
    flight.takeFirst()?.lead(1);
    const next = new Client(flight, true);
    flight.join(next);
    expect(second.end).toBe("leads after 1");
    flight.begin(HEAD);
    flight.append(Buffer.from("piece"));
    flight.finish(whole("end"), () => undefined);
    for (const client of [next, third, late]) expect(client.pieces).toEqual(["piece", "end"]);
    expect(heard).toEqual([]);
    expect(memory.bytes).toBe(0);
  });

  test("whose leader has left and fails is not marked as left by the next one", () => {
    const { flight, leader } = stage();
    flight.join(new Client(flight));
    flight.leave(leader);
    expect(flight.hasLeaderLeft).toBe(true);
    flight.loseLeader(NO_ANSWER);
    expect(flight.hasLeaderLeft).toBe(false);
  });

  test("without an answer tells all who wait", () => {
    const { flight, leader, memory } = stage();
    const other = new Client(flight);
    flight.join(other);
    flight.giveUp(NO_ANSWER);
    expect([leader.end, other.end]).toEqual(["none", "none"]);
    expect(memory.bytes).toBe(0);
    expect(flight.takeFirst()).toBeNull();
  });

  test("of a large answer holds a window, cuts off who is behind it, and waits for the leader", () => {
    const { flight, leader, memory, heard } = stage(8 * MB);
    const [fast, slow] = [new Client(flight), new Client(flight)];
    slow.isFast = false;
    for (const client of [fast, slow]) flight.join(client);
    flight.begin(HEAD);
    const piece = Buffer.alloc(64 * 1_024, "x");
    for (let i = 0; i < 40; i++) flight.append(piece);
    expect(flight.canBeJoined).toBe(false);
    expect(slow.end).toBe("too slow");
    expect(memory.bytes).toBeLessThanOrEqual(2.5 * MB);
    // The leader blocks: the others wait for it once it is a window behind.
    leader.isBlocked = true;
    let taken = 0;
    while (flight.append(piece)) taken += 1;
    expect(taken).toBeLessThan(20);
    expect(leader.end).toBeNull();
    leader.read();
    expect(heard).toEqual(["resume"]);
    let kept: unknown = "not asked";
    flight.finish(whole("end"), () => {
      kept = flight.keep(0);
    });
    expect(kept).toBeNull();
    expect(leader.pieces.join("")).toBe(fast.pieces.join(""));
    expect(memory.bytes).toBe(0);
  });
});
