/**
 * Questions of every client to every family, and the simulated model's answers.
 */
import { expect } from "bun:test";
import { z } from "zod";

export const QUESTION = "Tell me of the labyrinth.";
/** The end of every answer in words, with characters of two, three and four bytes. */
export const END_OF_ANSWER = "naïve café in 東京 🙂.";

/** Makes the model call the tool of that name. */
export const USE_TOOL = "Use get_weather for Knossos.";
export const CITY = z.object({ city: z.string() });
export const CITY_SCHEMA = {
  type: "object" as const,
  properties: { city: { type: "string" as const } },
  required: ["city"],
  additionalProperties: false,
};
/** The tool's result. */
export const WEATHER = "sunny";
/** The model's answer after the tool's result. */
export const TOOL_ANSWER = "The result of the tool has been read. It says “sunny”.";

/** The schema of a structured answer. */
export const PLAN = z.object({ name: z.string(), shape: z.enum(["round", "square"]), rooms: z.number() });
export const MADE_PLAN: z.infer<typeof PLAN> = {
  name: expect.any(String),
  shape: "round",
  rooms: expect.any(Number),
};

/**
 * Suffixes of a model's name that make its provider fail, in the middle of forty words or before any, or wait
 * for longer than a second. Some stream a dozen events before the first word.
 */
export const FAULTS = {
  cut: "~cut,count=40,after=24",
  overloadInside: "~error-mid,count=40,after=24",
  overloadBefore: "~error-first",
  slow: "~stall,before-headers,ms=1300",
  /** The gateway asks three times. */
  slowOverload: "~overload,stall,before-headers,ms=600",
} as const;

/** The text before a failure in the middle: words, and nothing about the failure. */
export const FIRST_WORDS = /^(word\d+ )+$/;

/** The time for which the simulated provider limits a credential. */
const LIMIT_S = 1_800;
/** The suffix of a model's name that orders this limit. */
export const LIMITED = `~rate-limit,reset=${LIMIT_S}`;

/**
 * Checks the time that a client is told to wait: the whole limit, less at most the time since this process
 * began.
 */
export function expectWait(seconds: number): void {
  expect(seconds).toBeGreaterThanOrEqual(LIMIT_S - Math.ceil(performance.now() / 1_000));
  expect(seconds).toBeLessThanOrEqual(LIMIT_S + 1);
}
