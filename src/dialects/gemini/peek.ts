/**
 * The peek at a Gemini request: its path says the model and whether it streams. Both spellings of a member
 * count.
 */
import { compileShape } from "../../wire/json-shape.ts";

export const PEEK_SHAPE = compileShape({ cachedContent: true, cached_content: true });
