/** Names that a client may have meant by a model that no upstream serves. */
import { nearest } from "../core/nearest.ts";

const MAX_SUGGESTIONS = 3;
/** The client chooses the model's name, so a suggestion that repeats the name is cut. */
const MAX_MODEL_CHARS = 200;

/**
 * At most three names, the closest first: names of models, and names of upstreams with the rest of the
 * client's name. When no name is close, the client's name with an upstream's name before it, because an
 * upstream can be asked for any model in that way.
 */
export function suggestNames(
  model: string,
  models: readonly string[],
  upstreams: readonly string[],
): readonly string[] {
  const asked = model.slice(0, MAX_MODEL_CHARS);
  const slash = asked.indexOf("/");
  const corrected = slash < 0 ? [] : upstreams.map((upstream) => upstream + asked.slice(slash));
  const candidates = new Set([...models, ...corrected]);
  const found: string[] = [];
  while (found.length < MAX_SUGGESTIONS) {
    const name = nearest(asked, candidates);
    if (name === null) break;
    found.push(name);
    candidates.delete(name);
  }
  if (found.length > 0) return found;
  return upstreams.slice(0, MAX_SUGGESTIONS).map((upstream) => `${upstream}/${asked}`);
}
