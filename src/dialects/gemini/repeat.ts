/** Whether the answer to a Gemini request may be given again. Both spellings of a member count. */
import { isObject, type JsonObject } from "../../core/json.ts";
import { firstSaid, hostedTool, memberWithin, numberIn, type RepeatFacts } from "../repeat.ts";

const OBSTACLES = ["cachedContent", "cached_content"] as const;
/** An object of `tools` may name several kinds; the client runs functions alone. */
const CLIENT_KINDS: readonly string[] = ["functionDeclarations", "function_declarations"];
const FILES = ["fileData", "file_data"] as const;

export function repeatFacts(body: JsonObject): RepeatFacts {
  const configs = [body.generationConfig, body.generation_config].filter(isObject);
  const read = (name: string): number | null => {
    const values = configs.map((config) => numberIn(config, name)).filter((value) => value !== null);
    // Two configurations: nobody can say which one counts.
    return values.length === 0 ? null : Math.max(...values);
  };
  return {
    temperature: read("temperature"),
    hasSeed: read("seed") !== null,
    obstacle:
      firstSaid(body, OBSTACLES) ??
      hostedTool(body.tools, (tool) => Object.keys(tool).every((kind) => CLIENT_KINDS.includes(kind))) ??
      memberWithin(body.contents, FILES) ??
      memberWithin(body.systemInstruction ?? body.system_instruction, FILES),
  };
}
