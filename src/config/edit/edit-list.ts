/** Changes a list of several lines value by value, so that the comments of those that stay are kept. */
import type { Path } from "../problem.ts";
import { scanOutline, toPathId } from "../toml/positions.ts";
import { addMember, type Brackets, removeMember } from "./members.ts";
import { splice } from "./splice.ts";
import { writeValue } from "./toml-value.ts";

/** To find what two lists have in common takes the product of their lengths. */
const MAX_VALUES = 500;

/** `old`: what the list at the path says. */
export function editList(
  text: string,
  path: Path,
  old: readonly unknown[],
  wanted: readonly unknown[],
): string {
  if (old.length > MAX_VALUES || wanted.length > MAX_VALUES)
    return splice(text, [{ ...bracketsAt(text, path).all, text: writeValue(wanted) }]);
  const kept = commonOf(old.map(writeValue), wanted.map(writeValue));
  let edited = text;
  for (let index = old.length - 1; index >= 0; index--) {
    if (!kept.some(([from]) => from === index))
      edited = splice(edited, removeMember(bracketsAt(edited, path), index));
  }
  wanted.forEach((value, index) => {
    if (!kept.some(([, to]) => to === index))
      edited = splice(edited, addMember(bracketsAt(edited, path), index, writeValue(value)));
  });
  return edited;
}

function bracketsAt(text: string, path: Path): Brackets {
  const { places, members } = scanOutline(text);
  const id = toPathId(path);
  return { text, all: places.get(id)?.value ?? { start: 0, end: 0 }, members: members.get(id) ?? [] };
}

/** The longest common part of two lists, as pairs of places. */
function commonOf(a: readonly string[], b: readonly string[]): readonly (readonly [number, number])[] {
  const lengths = Array.from({ length: a.length + 1 }, () => new Array<number>(b.length + 1).fill(0));
  const at = (i: number, j: number): number => lengths[i]?.[j] ?? 0;
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      const row = lengths[i] as number[];
      row[j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const pairs: [number, number][] = [];
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    if (a[i] === b[j]) pairs.push([i++, j++]);
    else if (at(i + 1, j) >= at(i, j + 1)) i++;
    else j++;
  }
  return pairs;
}
