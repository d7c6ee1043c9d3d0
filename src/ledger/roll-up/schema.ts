/** The tables of the roll-up: sums over the ledger's rows, by the hour and by the day. */
import type { Migration } from "../../store/migrations.ts";
import { EPOCH_MS, KEYS_A_MS } from "../request-ids.ts";
import { STEPS_A_DAY } from "./mark.ts";
import { DAY_HOURS, HOUR_MS } from "./spans.ts";

const SUMS = `requests INTEGER, errors INTEGER, client_left INTEGER, unsure_usage INTEGER, estimated INTEGER,
  unpriced INTEGER, cost_nano_usd INTEGER, input_tokens INTEGER, cache_read_tokens INTEGER,
  cache_write_tokens INTEGER, output_tokens INTEGER, reasoning_tokens INTEGER,
  rare TEXT, -- JSON of the other kinds of usage
  ttfb TEXT, duration TEXT, -- counts in buckets of 1 %`;

/** Hours are counted from 1970 in UTC; a day has its first hour's number. */
export const ROLL_UP: Migration = {
  name: "usage roll-up",
  sql: `CREATE TABLE usage_groups (
  grp INTEGER PRIMARY KEY,
  view TEXT NOT NULL,
  name TEXT NOT NULL, -- JSON array of the values of the view's dimensions
  day INTEGER NOT NULL, -- the day of its first row
  UNIQUE (view, name)
);
CREATE INDEX usage_groups_day ON usage_groups (view, day);
CREATE TABLE usage_hours ( -- what is written as rows come: neighbours in time are neighbours here
  hour INTEGER, grp INTEGER, ${SUMS}
  PRIMARY KEY (hour, grp)
) WITHOUT ROWID;
CREATE TABLE usage_spans ( -- what is made of hours that are over: neighbours in time of one group are neighbours here
  grp INTEGER, is_day INTEGER, start INTEGER, ${SUMS}
  PRIMARY KEY (grp, is_day, start)
) WITHOUT ROWID;
CREATE TABLE usage_late ( -- rows that were committed when rows behind them were in the roll-up already
  seq INTEGER PRIMARY KEY
);
CREATE TABLE usage_mark (
  mark INTEGER NOT NULL, -- the rows with smaller keys are in the roll-up, but for those in usage_late
  from_hour INTEGER NOT NULL, -- rows of earlier hours were in the roll-up before the last rebuild
  is_erasing INTEGER NOT NULL, -- hours from from_hour on are being deleted, and are not valid
  erased_grp INTEGER NOT NULL, -- the spans of groups up to this one are deleted
  rebuild_to INTEGER NOT NULL, -- a rebuild is under way until the mark is here
  fold_step INTEGER NOT NULL, -- day times 25, plus the hour of the day, or 24 for the day itself
  fold_grp INTEGER NOT NULL -- of this step, groups up to this one are folded into usage_spans
);
INSERT INTO usage_mark VALUES (0, 0, 0, 0, 0, 0, 0);
CREATE INDEX entries_at_ms ON entries (at_ms) WHERE at_ms IS NOT NULL`,
};

/** Weeks, and users and tags by key. The roll-up adds all rows anew, beside serving; reports read the rows meanwhile. */
export const ROLL_UP_WEEKS: Migration = {
  name: "usage roll-up by week",
  sql: `DROP TABLE usage_spans;
CREATE TABLE usage_spans ( -- what is made of hours that are over: neighbours in time of one group are neighbours here
  grp INTEGER, level INTEGER, start INTEGER, -- the first hour of an hour (0), a day (1) or a week from Monday (2)
  ${SUMS}
  PRIMARY KEY (grp, level, start)
) WITHOUT ROWID;
DELETE FROM usage_hours;
DELETE FROM usage_groups;
DELETE FROM usage_late;
UPDATE usage_mark SET rebuild_to = max(mark, rebuild_to), mark = 0, from_hour = 0, is_erasing = 0, erased_grp = 0,
  fold_step = 0, fold_grp = 0`,
};

/**
 * The sums are made anew in steps beside serving, as `beginRebuild` has it: reports read the rows meanwhile, and sums of
 * hours whose rows are gone stay as they are.
 */
const MADE_ANEW = `DELETE FROM usage_late;
WITH oldest (ms) AS (
  SELECT min(ms) FROM (
    SELECT min(seq) / ${KEYS_A_MS} + ${EPOCH_MS} AS ms FROM entries
    UNION ALL SELECT min(at_ms) FROM entries WHERE at_ms IS NOT NULL)
), begin (hour) AS (
  SELECT iif((SELECT min(hour) FROM usage_hours) < ms / ${HOUR_MS}, ms / ${HOUR_MS} + 1, 0) FROM oldest
  WHERE ms IS NOT NULL
), step (first) AS (
  SELECT hour / ${DAY_HOURS} * ${STEPS_A_DAY} FROM begin
)
UPDATE usage_mark SET
  rebuild_to = max(mark, rebuild_to),
  mark = iif(begin.hour = 0, 0, (begin.hour * ${HOUR_MS} - ${EPOCH_MS}) * ${KEYS_A_MS}),
  from_hour = begin.hour, is_erasing = 1, erased_grp = 0,
  fold_grp = iif(fold_step < step.first, fold_grp, 0),
  fold_step = min(fold_step, step.first)
FROM begin, step`;

export const ROLL_UP_SAVED: Migration = { name: "usage roll-up with what was saved", sql: MADE_ANEW };

/**
 * A view by model and dialect. The hours whose rows are gone are folded anew as well, for the view is made of them: that
 * alone takes its time at the start.
 */
export const ROLL_UP_ENDPOINT_MODEL: Migration = {
  name: "usage roll-up by model and dialect",
  sql: `${MADE_ANEW};
DELETE FROM usage_spans WHERE grp IN (SELECT grp FROM usage_groups WHERE (SELECT from_hour FROM usage_mark) > 0);
UPDATE usage_mark SET fold_step = 0, fold_grp = 0`,
};
