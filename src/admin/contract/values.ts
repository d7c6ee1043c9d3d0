/** Kinds of values that several resources have. */
import * as v from "valibot";

/** Unix milliseconds. */
export const timeMs = v.pipe(v.number(), v.integer());
/** A whole number from 0 on. */
export const count = v.pipe(v.number(), v.integer(), v.minValue(0));
/** An exact amount in billionths of a dollar, which may be more than a number holds: digits as text. */
export const nanoUsdText = v.pipe(v.string(), v.regex(/^-?\d+$/));
/** An amount in billionths of a dollar that a number holds exactly. */
export const nanoUsd = v.pipe(v.number(), v.integer());
/** Milliseconds, with fractions. */
export const durationMs = v.number();

/** A name that a person gave. */
export const name = v.pipe(v.string(), v.minLength(1), v.maxLength(256));

/** Unix milliseconds in a query. */
export const timeInQuery = v.pipe(
  v.string(),
  v.regex(/^\d{1,15}$/, "is not a time in Unix milliseconds"),
  v.transform(Number),
);

/** The most rows that a page has, in a query. */
export const limitInQuery = v.optional(
  v.pipe(
    v.string(),
    v.regex(/^\d{1,3}$/, "is not a number from 1 to 500"),
    v.transform(Number),
    v.minValue(1, "is not a number from 1 to 500"),
    v.maxValue(500, "is not a number from 1 to 500"),
  ),
);

export const textInQuery = v.optional(v.pipe(v.string(), v.maxLength(256)));
/** `next` of the page before. */
export const cursorInQuery = v.optional(v.pipe(v.string(), v.maxLength(512)));

/** How a change is undone, and until when; `untilMs` null: at any time. null: it cannot be undone. */
export const undo = v.nullable(v.strictObject({ auditId: v.string(), untilMs: v.nullable(timeMs) }));
