/** Members of a request in foreign words, on their way to a request by the book. */
import type { JsonObject } from "../core/json.ts";

/** Without a prototype, `__proto__` is a member as any other. */
export type BookMembers = Record<string, unknown>;

/** A copy of the members, but for those in `leftOut`. */
export function bookMembersOf(body: JsonObject, leftOut: ReadonlySet<string> | null = null): BookMembers {
  const book: BookMembers = Object.assign(Object.create(null), body);
  for (const name of leftOut ?? []) delete book[name];
  return book;
}

/** Gives a member the name of the book, unless the request has that member too. */
export function renameMember(book: BookMembers, from: string, to: string): void {
  if (book[from] === undefined) return;
  book[to] ??= book[from];
  delete book[from];
}
