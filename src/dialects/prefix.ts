/**
 * The stable prefix of a request: hashes of what a provider's prompt cache compares (tools, instructions, then each
 * turn), so that the pool can send a conversation where its earlier turns are cached. Reads ranges of bytes and builds
 * no value: time is linear in the body, memory is bounded.
 *
 * A conversation that grows keeps the hashes of its earlier turns, and two that branch share those before the branch.
 * Hashes hold no text, but whoever has a text can compute its hash: they stay in memory.
 */
import { ByteHash, mixNumbers } from "../core/byte-hash.ts";
import { JsonScanner } from "../wire/json-scan.ts";
import type { ShapeNode } from "../wire/json-shape.ts";
import type { JsonSink } from "../wire/json-sink.ts";
import type { DialectName } from "./dialect.ts";
import { DIALECTS } from "./index.ts";
import type { PrefixPart, PrefixPlan } from "./shared/prefix-plan.ts";

/** What a request has in common with others. All hashes are whole numbers below 2^53. */
export interface Prefix {
  /** Of tools, instructions and all turns through the first one of the user; of the client's own key, where it gives one. */
  readonly root: number;
  /** Of the prefix that ends behind each turn, from the longest to the one without turns. */
  readonly points: readonly number[];
  /** The longest prefix that the provider is asked to keep, as an index of `points`. */
  readonly end: number;
  /** The request asks the provider to keep its prefix for an hour or longer. */
  readonly isLong: boolean;
}

/** The longest prefixes of a request that are kept: one reply and its results add some turns, never as many. */
const MAX_POINTS = 64;
/** No provider keeps a prompt of fewer than 1,024 tokens, which take more bytes than this in all but a few languages. */
const MIN_BYTES = 2_048;

/** null: the request is too short to be cached, or has no turns. `body` is one that a peek has read. */
export function prefixOf(dialect: DialectName, body: Uint8Array): Prefix | null {
  if (body.length < MIN_BYTES) return null;
  const sink = new PrefixSink(DIALECTS[dialect].prefix, body);
  new JsonScanner(sink.plan.shape, sink).push(body);
  return sink.result();
}

const HEAD = 1;
const TURN = 2;
const KEY = 3;

/** No other role of the four dialects begins like `"user"`. A turn without a role is the user's. */
const isUserRole = (bytes: Uint8Array, from: number): boolean => bytes[from + 1] === LETTER_U;

class PrefixSink implements JsonSink {
  readonly plan: PrefixPlan;
  readonly #body: Uint8Array;
  readonly #hash = new ByteHash();
  /** The sum over the members of the head: their order in the body does not count. */
  #head = 0;
  /** Of all turns so far, without the head. */
  #chain = 0;
  /** The last values of `#chain`, as a ring. */
  readonly #chains: number[] = [];
  #turns = 0;
  #firstUser = -1;
  /** Number of turns through the last one that is marked; -1: no turn is. */
  #marked = -1;
  #hasHeadMark = false;
  /** The provider marks the last turn by itself. */
  #isMarkedWhole = false;
  #isLong = false;
  #key: number | null = null;
  #isInTurn = false;
  #isUserTurn = true;
  #isMarkedTurn = false;

  constructor(plan: PrefixPlan, body: Uint8Array) {
    this.plan = plan;
    this.#body = body;
    this.#hash.read(body);
  }

  open(node: ShapeNode): void {
    if (node === this.plan.turns.element) this.#beginTurn();
    else if (isOfRoot(node) && this.#partOf(node) === "head") this.#hash.begin(tagOf(node, HEAD));
    else if (this.#partOf(node) === "mark") this.#mark(node);
  }

  close(node: ShapeNode): void {
    if (node === this.plan.turns.element) this.#endTurn();
    else if (isOfRoot(node) && this.#partOf(node) === "head") this.#endHead();
  }

  value(node: ShapeNode, start: number, end: number): void {
    switch (this.#partOf(node)) {
      case "head":
        if (isOfRoot(node)) this.#hash.begin(tagOf(node, HEAD));
        if (this.plan.isOutside?.(this.#body, start) !== true) this.#hash.add(HEAD, start, end);
        if (isOfRoot(node)) this.#endHead();
        break;
      case "turn":
        this.#takeTurnValue(node, start, end);
        break;
      case "role":
        this.#isUserTurn = isUserRole(this.#body, start);
        this.#hash.add(tagOf(node, TURN), start, end);
        break;
      case "mark":
        if (this.#body[start] !== LETTER_N) this.#mark(node);
        break;
      case "life":
        this.#isLong ||= isLongLife(this.#body, start, end);
        break;
      case "key":
        if (this.#body[start] !== LETTER_N) this.#takeKey(start, end);
    }
  }

  result(): Prefix | null {
    if (this.#turns === 0) return null;
    const points: number[] = [];
    const from = this.#turns;
    for (let turns = from; turns > 0 && turns > from - MAX_POINTS; turns--) points.push(this.#pointAt(turns));
    points.push(mixNumbers(this.#head, 0));
    return {
      root: this.#key ?? mixNumbers(this.#head, this.#firstUser === -1 ? this.#chain : this.#firstUser),
      points,
      end: this.#endAmong(points.length),
      isLong: this.#isLong,
    };
  }

  /** Without a mark the provider keeps all, if it keeps anything. */
  #endAmong(points: number): number {
    if (this.#marked !== -1)
      return this.#isMarkedWhole ? 0 : Math.min(this.#turns - this.#marked, points - 1);
    return this.#hasHeadMark && !this.#isMarkedWhole ? points - 1 : 0;
  }

  #pointAt(turns: number): number {
    return mixNumbers(this.#head, this.#chains[(turns - 1) % MAX_POINTS] as number);
  }

  #partOf(node: ShapeNode): PrefixPart | undefined {
    return this.plan.parts.get(node);
  }

  #takeTurnValue(node: ShapeNode, start: number, end: number): void {
    if (this.#isInTurn) {
      this.#hash.add(tagOf(node, TURN), start, end);
      return;
    }
    // A turn that is taken as it stands, or the only one.
    this.#beginTurn();
    this.#hash.add(TURN, start, end);
    this.#endTurn();
  }

  #beginTurn(): void {
    this.#isInTurn = true;
    this.#isUserTurn = true;
    this.#isMarkedTurn = false;
    this.#hash.begin(TURN);
  }

  #endTurn(): void {
    this.#isInTurn = false;
    this.#chain = mixNumbers(this.#chain, this.#hash.value);
    this.#chains[this.#turns % MAX_POINTS] = this.#chain;
    this.#turns++;
    if (this.#isUserTurn && this.#firstUser === -1) this.#firstUser = this.#chain;
    if (this.#isMarkedTurn) this.#marked = this.#turns;
  }

  #endHead(): void {
    this.#head = (this.#head + this.#hash.value) % Number.MAX_SAFE_INTEGER;
  }

  #mark(node: ShapeNode): void {
    if (this.#isInTurn) this.#isMarkedTurn = true;
    else if (isOfRoot(node)) this.#isMarkedWhole = true;
    else this.#hasHeadMark = true;
  }

  #takeKey(start: number, end: number): void {
    this.#hash.begin(KEY);
    this.#hash.add(KEY, start, end);
    this.#key = this.#hash.value;
  }
}

const LETTER_H = 0x68;
const LETTER_M = 0x6d;
/** `null` begins with it. */
const LETTER_N = 0x6e;
const LETTER_U = 0x75;

/** As in `"1h"` and `"30m"`: hours, and minutes in two digits, are longer than the five minutes of most caches. */
function isLongLife(bytes: Uint8Array, start: number, end: number): boolean {
  return bytes[end - 2] === LETTER_H || (bytes[end - 2] === LETTER_M && end - start >= 5);
}

function isOfRoot(node: ShapeNode): boolean {
  return node.path === node.name;
}

/** Tells members apart: their names differ in length or in letters. A text counts alike however it is wrapped. */
function tagOf({ name }: ShapeNode, base: number): number {
  if (name === "text" || name === "content") return base;
  return (name.length << 16) | (name.charCodeAt(0) << 8) | base;
}
