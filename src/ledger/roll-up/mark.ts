/** How far the roll-up has come. */
import type { Sql, SqlStatement } from "../../store/sql.ts";
import { DAY_HOURS, dayOf, lastDayOfWeek } from "./spans.ts";

export interface Mark {
  /** Rows with smaller keys are in the roll-up, but for those in `usage_late`. */
  mark: number;
  /** Rows of earlier hours were in the roll-up before the last rebuild. */
  fromHour: number;
  /** The hours from `fromHour` on are being deleted, and are not valid. */
  isErasing: boolean;
  /** The spans of groups up to this one are deleted. */
  erasedGrp: number;
  /** A rebuild is under way until the mark is here. */
  rebuildTo: number;
  /** The step that is under way: an hour of a day, the day itself, or the week that ends with it. */
  foldStep: number;
  /** Groups up to this one have taken the step. */
  foldGrp: number;
}

/** A day takes a step for each hour, one for itself, and one for the week that may end with it. */
export const STEPS_A_DAY = DAY_HOURS + 2;

/** The step that folds this hour. */
export const stepOfHour = (hour: number): number =>
  dayOf(hour) * STEPS_A_DAY + (hour - dayOf(hour) * DAY_HOURS);
/** The step that folds the hours of this day. */
export const stepOfDay = (day: number): number => day * STEPS_A_DAY + DAY_HOURS;
/** The step that folds the days of the week that holds this day. */
export const stepOfWeek = (day: number): number => stepOfDay(lastDayOfWeek(day)) + 1;

/** Whether the group has taken the step. */
export function isFolded(mark: Mark, step: number, grp: number): boolean {
  return step < mark.foldStep || (step === mark.foldStep && grp <= mark.foldGrp);
}

export class MarkStore {
  readonly #read: SqlStatement;
  readonly #write: SqlStatement;

  constructor(sql: Sql) {
    this.#read = sql.prepare("SELECT * FROM usage_mark");
    this.#write = sql.prepare(
      "UPDATE usage_mark SET mark = ?, from_hour = ?, is_erasing = ?, erased_grp = ?, rebuild_to = ?, fold_step = ?, fold_grp = ?",
    );
  }

  read(): Mark {
    const row = this.#read.get();
    return {
      mark: Number(row?.mark),
      fromHour: Number(row?.from_hour),
      isErasing: row?.is_erasing === 1,
      erasedGrp: Number(row?.erased_grp),
      rebuildTo: Number(row?.rebuild_to),
      foldStep: Number(row?.fold_step),
      foldGrp: Number(row?.fold_grp),
    };
  }

  write(mark: Mark): void {
    const { fromHour, isErasing, erasedGrp, rebuildTo, foldStep, foldGrp } = mark;
    this.#write.run(mark.mark, fromHour, isErasing ? 1 : 0, erasedGrp, rebuildTo, foldStep, foldGrp);
  }
}
