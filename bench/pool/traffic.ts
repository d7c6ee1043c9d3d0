/**
 * The conversations that clients have: agents and chats that send all that was said again with each turn. Seeded, and the
 * same for every way of choosing.
 */
import { mixNumbers } from "../../src/core/byte-hash.ts";
import { Random } from "./random.ts";

export interface Turn {
  /** All tokens of the prompt. */
  readonly promptTokens: number;
  /** Known to the provider alone, when it has written it. */
  readonly answerTokens: number;
  /** Between the answer before and this turn. */
  readonly thinkMs: number;
}

export interface Conversation {
  readonly id: number;
  /** Which program's tools and instructions it begins with. */
  readonly program: number;
  readonly headTokens: number;
  readonly turns: readonly Turn[];
  /** The hash of the prompt behind the head, and behind each turn of the user's: what a peek finds in the bytes. */
  readonly points: readonly number[];
  readonly key: string;
}

/** What each request names as the most that its answer may be. */
export const MAX_OUTPUT_TOKENS = 4_096;
const PROGRAMS = 40;
const KEYS = 50;
const LEAST_TURNS = 2;
const MOST_TURNS = 40;

export function makeConversations(seed: number, count: number): readonly Conversation[] {
  const random = new Random(seed);
  const heads = Array.from({ length: PROGRAMS }, () =>
    Math.round(Math.min(12_000, Math.max(1_024, random.logNormal(3_000, 0.6)))),
  );
  return Array.from({ length: count }, (_, id) => {
    // Few programs have most of the conversations.
    const program = Math.min(PROGRAMS - 1, Math.floor(PROGRAMS ** random.next() - 1));
    return converse(random, id, program, heads[program] as number);
  });
}

function converse(random: Random, id: number, program: number, headTokens: number): Conversation {
  const turns: Turn[] = [];
  const head = mixNumbers(program, 1);
  const points = [head];
  // Files and rules of the place that the program works in.
  let promptTokens = headTokens + Math.round(Math.min(40_000, random.logNormal(6_000, 0.8)));
  for (let i = random.whole(LEAST_TURNS, MOST_TURNS); i > 0; i--) {
    // Words of a person, or what a tool has found.
    promptTokens += Math.round(Math.min(15_000, 40 + random.logNormal(600, 1)));
    const answerTokens = Math.round(Math.min(MAX_OUTPUT_TOKENS, 20 + random.logNormal(420, 0.9)));
    // Four of five turns are those of a program that goes on by itself.
    const thinkMs = 1_000 + random.exponential(random.next() < 0.8 ? 10_000 : 90_000);
    turns.push({ promptTokens, answerTokens, thinkMs });
    points.push(mixNumbers(mixNumbers(head, id), turns.length));
    promptTokens += answerTokens;
  }
  return { id, program, headTokens, turns, points, key: `key-${id % KEYS}` };
}
