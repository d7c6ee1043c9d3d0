/** What the requests of a key have cost, for the key itself. */

/** In nano-dollars. Days, weeks (from Monday) and months are those of UTC. */
export interface KeySpending {
  readonly dayNanoUsd: number;
  readonly weekNanoUsd: number;
  readonly monthNanoUsd: number;
  readonly allNanoUsd: number;
}
