/** What a client may have meant by a model that nothing serves. */

const MAX_SUGGESTIONS = 3;
/** Longer names are not compared: the distance costs the product of both lengths. */
const MAX_COMPARED_CHARS = 200;

/**
 * At most three names, the closest first: names of models and, with the client's own remainder, names of upstreams. When nothing is
 * close, the model with each upstream's name before it, which is how a model that no entry names can be asked for.
 */
export function nearestNames(
  model: string,
  models: readonly string[],
  upstreams: readonly string[],
): readonly string[] {
  const asked = model.slice(0, MAX_COMPARED_CHARS);
  const slash = asked.indexOf("/");
  const corrected = slash < 0 ? [] : upstreams.map((upstream) => upstream + asked.slice(slash));
  const tolerance = Math.max(2, Math.floor(asked.length / 3));
  const close = [...new Set([...models, ...corrected])]
    .filter((name) => name.length <= MAX_COMPARED_CHARS && Math.abs(name.length - asked.length) <= tolerance)
    .map((name) => ({ name, distance: editDistance(asked.toLowerCase(), name.toLowerCase()) }))
    .filter(({ distance }) => distance <= tolerance)
    .sort((a, b) => a.distance - b.distance)
    .map(({ name }) => name);
  const names = close.length > 0 ? close : upstreams.map((upstream) => `${upstream}/${asked}`);
  return names.slice(0, MAX_SUGGESTIONS);
}

/** Levenshtein's distance: insertions, deletions and replacements of one character. */
function editDistance(from: string, to: string): number {
  let previous = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i++) {
    const current = [i];
    for (let j = 1; j <= to.length; j++) {
      const replaced = (previous[j - 1] as number) + (from[i - 1] === to[j - 1] ? 0 : 1);
      current.push(Math.min(replaced, (previous[j] as number) + 1, (current[j - 1] as number) + 1));
    }
    previous = current;
  }
  return previous[to.length] as number;
}
