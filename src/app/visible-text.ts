/** Text from outside, for terminals and logs. */

/** Characters that a terminal would obey, or that would reverse the direction of a line; but for tabs and line ends. */
const CONTROL = /(?!\t|\n|\r\n)[\p{Cc}\p{Bidi_Control}\u2028\u2029\ufeff]/gu;

/** The text with such characters as JSON escapes them, so that JSON stays the same JSON. */
export function visibleText(text: string): string {
  return text.replace(CONTROL, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
