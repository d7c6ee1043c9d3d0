/**
 * A report from the sums of the roll-up, and the rows that are not in them yet. It reads on until the page is full: a page
 * of a long report costs what the page has, not what the report has.
 */
import type { Sql } from "../../store/sql.ts";
import { type Mark, MarkStore } from "../roll-up/mark.ts";
import { hourOf } from "../roll-up/spans.ts";
import type { ViewName } from "../roll-up/views.ts";
import { CellSource, foldedOf } from "./cell-source.ts";
import { type CellRead, coverAll, type RowPiece } from "./cover.ts";
import { Page } from "./page.ts";
import type { NamedPeriod } from "./periods.ts";
import { type Bounds, RowSource } from "./row-source.ts";
import type { Totals } from "./totals.ts";
import type { UsagePage, UsageQuery } from "./usage-query.ts";

export class SummedReport {
  readonly #query: UsageQuery;
  readonly #view: ViewName;
  readonly #totals: Totals;
  readonly #mark: Mark;
  readonly #source: CellSource;
  readonly #rows: RowSource;

  /** All is read in one transaction of the caller. */
  constructor(sql: Sql, query: UsageQuery, view: ViewName, totals: Totals) {
    this.#query = query;
    this.#view = view;
    this.#totals = totals;
    this.#mark = new MarkStore(sql).read();
    this.#source = new CellSource(sql, { view, where: query.where, mark: this.#mark }, totals);
    this.#rows = new RowSource(sql, query, totals);
  }

  read(periods: readonly NamedPeriod[], bounds: Bounds): UsagePage {
    const page = new Page(this.#query);
    this.#addLateRows(periods);
    this.#rows.addFrom(this.#mark.mark, bounds, true, (atMs) => hourOf(atMs) >= this.#mark.fromHour);
    if (this.#hasOnePage(periods)) this.#readWhole(page, periods);
    else {
      const reads = periods.length > 1 ? this.#readByTime(page, periods) : this.#readByGroup(page, periods);
      this.#source.addLatencies(reads, page.shown);
    }
    return page.toUsage();
  }

  /** Only rows that are not in the sums may make more of it. */
  #hasOnePage(periods: readonly NamedPeriod[]): boolean {
    const { limit } = this.#query;
    return limit === null || this.#totals.count * periods.length <= limit;
  }

  /** In one go, because all of it is shown. */
  #readWhole(page: Page, periods: readonly NamedPeriod[]): void {
    const { reads, rows } = this.#cover(periods);
    for (const piece of rows) this.#rows.addFragment(piece, this.#mark.mark);
    const numbers = this.#totals.sortedNumbers();
    this.#source.addAll(reads, numbers);
    page.add(this.#totals.among(numbers, 0, periods.length));
  }

  /** Returns what the totals of the page were read from. */
  #readByTime(page: Page, periods: readonly NamedPeriod[]): readonly CellRead[] {
    const { place } = page;
    const first = place === null ? 0 : periods.findIndex(({ calendarMs }) => calendarMs >= place.calendarMs);
    const done: CellRead[] = [];
    if (first < 0) return done;
    for (const [from, to] of this.#parts(first, periods.length, 1)) {
      const { reads, rows } = this.#cover(periods.slice(from, to));
      done.push(...reads);
      for (const piece of rows) this.#rows.addFragment(piece, this.#mark.mark);
      const numbers = this.#totals.sortedNumbers();
      this.#source.addCounts(reads, numbers);
      page.add(this.#totals.among(numbers, from, to));
      if (page.isFull) break;
    }
    return done;
  }

  #readByGroup(page: Page, periods: readonly NamedPeriod[]): readonly CellRead[] {
    const { reads, rows } = this.#cover(periods);
    for (const piece of rows) this.#rows.addFragment(piece, this.#mark.mark);
    const { place } = page;
    const numbers = this.#totals.sortedNumbers(place?.calendarMs === periods[0]?.calendarMs ? place : null);
    for (const [from, to] of this.#parts(0, numbers.length, (this.#query.limit ?? 0) + 1)) {
      const part = numbers.slice(from, to);
      this.#source.addCounts(reads, part);
      page.add(this.#totals.among(part, 0, periods.length));
      if (page.isFull) break;
    }
    return reads;
  }

  /** Parts of the report that are read together: some more each time, because nobody knows how full they are. */
  *#parts(first: number, end: number, firstSize: number): Generator<readonly [from: number, to: number]> {
    let size = firstSize;
    for (let from = first; from < end; from += size, size *= 2) yield [from, Math.min(end, from + size)];
  }

  #cover(periods: readonly NamedPeriod[]): ReturnType<typeof coverAll> {
    return coverAll(periods, foldedOf(this.#mark, this.#view));
  }

  #addLateRows(periods: readonly NamedPeriod[]): void {
    let fragments: readonly RowPiece[] | null = null;
    this.#rows.addLate((atMs) => {
      fragments ??= this.#cover(periods).rows;
      const isInFragment = fragments.some(({ fromMs, toMs }) => atMs >= fromMs && atMs < toMs);
      return hourOf(atMs) >= this.#mark.fromHour && !isInFragment;
    });
  }
}
