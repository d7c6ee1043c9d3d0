/** The sums of the rows of one transaction, by hour and by the groups that they belong to together. */
import { Tally } from "./tally.ts";

/** The numbers of groups. The rows of a fact share the array, so that it stands for the sum of these rows. */
export type GroupList = readonly number[];

export class Sums {
  readonly #byHour = new Map<number, Map<GroupList, Tally>>();
  #hour = Number.NaN;
  #tallies = new Map<GroupList, Tally>();

  /** The sum of rows of an hour that belong to the same groups. */
  of(hour: number, groups: GroupList): Tally {
    // Most rows are of the hour of the row before.
    if (hour !== this.#hour) this.#goTo(hour);
    let tally = this.#tallies.get(groups);
    if (tally === undefined) {
      tally = new Tally();
      this.#tallies.set(groups, tally);
    }
    return tally;
  }

  /** Visits the sum of each group in each hour. */
  each(visit: (hour: number, grp: number, tally: Tally) => void): void {
    for (const [hour, tallies] of this.#byHour)
      for (const [grp, tally] of byGroup(tallies)) visit(hour, grp, tally);
  }

  #goTo(hour: number): void {
    this.#hour = hour;
    this.#tallies = this.#byHour.get(hour) ?? new Map();
    this.#byHour.set(hour, this.#tallies);
  }
}

/** A sum that a group has for itself is used as it is. */
function byGroup(tallies: ReadonlyMap<GroupList, Tally>): Map<number, Tally> {
  const sums = new Map<number, Tally>();
  const shared = new Set<number>();
  for (const [groups, tally] of tallies) {
    for (const grp of groups) {
      const sum = sums.get(grp);
      if (sum === undefined) sums.set(grp, tally);
      else if (shared.has(grp)) sum.add(tally);
      else {
        const both = new Tally();
        both.add(sum);
        both.add(tally);
        sums.set(grp, both);
        shared.add(grp);
      }
    }
  }
  return sums;
}
