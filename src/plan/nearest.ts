/** What a client may have meant by a model that nothing serves. */
import { nearest } from "../core/nearest.ts";

const MAX_SUGGESTIONS = 3;
/** The model is a client's text: a suggestion that repeats it stays short. */
const MAX_MODEL_CHARS = 200;

/**
 * At most three names, the closest first: names of models and, with the client's own remainder, names of upstreams. When nothing is
 * close, the model with each upstream's name before it, which is how a model that no entry names can be asked for.
 */
export function nearestNames(
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
