/** Patterns of names of models, as the limits and rights of client keys have them. */

/** Whether a name matches a pattern. A `*` stands for any text, also for none and for `/`. Case counts. */
export function matchesModel(pattern: string, name: string): boolean {
  const [head = "", ...rest] = pattern.split("*");
  const tail = rest.pop();
  if (tail === undefined) return name === pattern;
  if (!name.startsWith(head) || !name.endsWith(tail) || name.length < head.length + tail.length) return false;
  let from = head.length;
  const end = name.length - tail.length;
  // The earliest place of each part leaves the most room for the parts behind it.
  for (const part of rest) {
    const at = name.indexOf(part, from);
    if (at < 0 || at + part.length > end) return false;
    from = at + part.length;
  }
  return true;
}
