/** The blocks of a web search: the use of Anthropic's tool, and the result. */
import type { JsonObject } from "../../core/json.ts";
import type { SearchPart } from "../../neutral/message.ts";
import { asArray, asObject, asString } from "../../wire/json.ts";
import { MAKER, rawBlocks, WEB_SEARCH_NAME, type WireBlock } from "./wire.ts";

export function isSearchUse(block: JsonObject): boolean {
  return block.type === "server_tool_use" && block.name === WEB_SEARCH_NAME;
}

export function isSearchResult(block: JsonObject): boolean {
  return block.type === "web_search_tool_result";
}

/** One search from its two blocks, or from one block. `isRaw`: Anthropic made the blocks. */
export function searchPart(use: JsonObject | null, result: JsonObject | null, isRaw: boolean): SearchPart {
  const input = asObject(use?.input);
  const first = asString(input?.query);
  const more = asArray(input?.queries).filter((query) => typeof query === "string");
  const queries = more.length > 0 ? more : first === null ? [] : [first];
  const sources = asArray(result?.content).flatMap((entry) => {
    const url = asString(asObject(entry)?.url);
    return url === null ? [] : [{ url, title: asString(asObject(entry)?.title) }];
  });
  const blocks = [use, result].filter((block) => block !== null);
  return {
    type: "search",
    id: asString(use?.id) ?? asString(result?.tool_use_id) ?? "",
    queries,
    sources,
    raw: isRaw ? { maker: MAKER, place: "raw", data: JSON.stringify(blocks) } : null,
  };
}

/** Whether Anthropic made the result. Such a result, or its error, can be sent back to Anthropic. */
export function isNativeResult(result: JsonObject): boolean {
  if (!Array.isArray(result.content)) return true;
  return result.content.every((entry) => asString(asObject(entry)?.encrypted_content) !== null);
}

const SEARCH_ID = /^srvtoolu_[a-zA-Z0-9_]+$/;

/**
 * The two blocks of a search for a client. Anthropic's own are unchanged; others lack the content that only
 * Anthropic can read.
 */
export function searchBlocks(part: SearchPart): readonly WireBlock[] {
  if (part.raw?.maker === MAKER) {
    const blocks = rawBlocks(part.raw.data);
    if (blocks !== null) return blocks as WireBlock[];
  }
  const id = SEARCH_ID.test(part.id) ? part.id : `srvtoolu_${part.id.replace(/[^a-zA-Z0-9_]/g, "_")}`;
  const [first = "", ...others] = part.queries;
  return [
    {
      type: "server_tool_use",
      id,
      name: WEB_SEARCH_NAME,
      input: others.length === 0 ? { query: first } : { query: first, queries: part.queries },
    },
    {
      type: "web_search_tool_result",
      tool_use_id: id,
      content: part.sources.map(({ url, title }) => ({
        type: "web_search_result",
        url,
        title: title ?? "",
        encrypted_content: "",
        page_age: null,
      })),
    },
  ];
}
