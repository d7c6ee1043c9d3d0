/** Words of a client about its request that become part of the row: its own user, and tags. Bounded and safe to print. */

const MAX_USER_CHARS = 128;
const MAX_TAG_CHARS = 64;
const MAX_TAGS = 16;
/** Of all tags of a request together, as JSON. */
const MAX_TAGS_CHARS = 256;

/** Characters that a terminal would obey, or that would reverse the direction of a line; and halves of characters. */
const UNSAFE = /[\p{Cc}\p{Bidi_Control}\p{Cs}\u2028\u2029\ufeff]/gu;

/** The names of most users: nothing of them has to be taken out. */
const PLAIN_USER = /^[\x21-\x7e]{1,128}$/;

/** The client's name for its own user; null: none is left. */
export function userLabel(text: string | null): string | null {
  return text === null || PLAIN_USER.test(text) ? text : label(text, MAX_USER_CHARS);
}

/**
 * The tags of `x-clewline-tags`, a list with commas (`team=a,nightly`), as a JSON array without doubles. A longer tag is
 * cut, and tags beyond the bounds are left out; null: none is left.
 */
export function tagsLabel(header: string | null): string | null {
  if (header === null) return null;
  const tags: string[] = [];
  let chars = 1;
  for (const text of header.split(",", 4 * MAX_TAGS)) {
    const tag = label(text, MAX_TAG_CHARS);
    if (tag === null || tags.includes(tag)) continue;
    chars += JSON.stringify(tag).length + 1;
    if (tags.length === MAX_TAGS || chars > MAX_TAGS_CHARS) break;
    tags.push(tag);
  }
  return tags.length === 0 ? null : JSON.stringify(tags);
}

/** Cut before it is searched, as a body may hold megabytes in place of a name. */
function label(text: string, maxChars: number): string | null {
  const safe = text
    .slice(0, 4 * maxChars)
    .replace(UNSAFE, "")
    .trim();
  if (safe === "") return null;
  if (safe.length <= maxChars) return safe;
  const cut = safe.slice(0, maxChars);
  return cut.isWellFormed() ? cut : cut.slice(0, -1);
}
