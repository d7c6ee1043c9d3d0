/** Lists as long as a client or an upstream likes. */

/** Adds all of `more` at the end. A spread would put them on the call stack, which a long list exhausts. */
export function appendAll<T>(list: T[], more: Iterable<T>): void {
  for (const entry of more) list.push(entry);
}
