/** Lists whose length a client or an upstream decides. */

/** Appends without a spread: a spread puts all entries on the call stack, which a long list exhausts. */
export function appendAll<T>(list: T[], more: Iterable<T>): void {
  for (const entry of more) list.push(entry);
}
