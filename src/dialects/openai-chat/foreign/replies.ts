/**
 * Answers whose content is a list of parts, with thinking among them, as the book says: the content is a text, and the
 * thinking stands in `reasoning_content`, where clients of DeepSeek look for it. Clients of Chat read nothing else:
 * vercel/ai#13703, microsoft/agent-framework#6978.
 */
import { Buffer } from "node:buffer";
import { isObject, type JsonObject } from "../../../core/json.ts";
import { asString } from "../../../wire/json.ts";
import type { ForeignReplies } from "../../dialect.ts";
import { readSaidPart } from "../said-parts.ts";

/** In a text the quotes of these tokens stand behind backslashes. */
const LISTS = ['"content":[', '"content": ['].map((token) => Buffer.from(token));

export const FOREIGN_REPLIES: ForeignReplies = {
  mayBeIn(reply) {
    const bytes = Buffer.from(reply.buffer, reply.byteOffset, reply.byteLength);
    return LISTS.some((token) => bytes.includes(token));
  },
  rewrite(reply) {
    const { choices } = reply;
    if (!Array.isArray(choices)) return null;
    const book = choices.map(bookChoice);
    return book.every((choice, n) => choice === choices[n]) ? null : { ...reply, choices: book };
  },
};

/** The choice itself where nothing is to be changed. */
function bookChoice(choice: unknown): unknown {
  if (!isObject(choice)) return choice;
  const { delta, message } = choice;
  if (isObject(message) && Array.isArray(message.content))
    return { ...choice, message: bookMessage(message, message.content, false) };
  if (isObject(delta) && Array.isArray(delta.content))
    return { ...choice, delta: bookMessage(delta, delta.content, true) };
  return choice;
}

function bookMessage(message: JsonObject, parts: readonly unknown[], isDelta: boolean): JsonObject {
  const said = { text: "", refusal: asString(message.refusal) ?? "", reasoning: "" };
  const images: unknown[] = [];
  for (const raw of parts) {
    const part = readSaidPart(raw);
    if (part !== null) said[part.kind] += part.text;
    else if (isObject(raw) && raw.type === "image_url") images.push(raw);
  }
  const { content: _, ...rest } = message;
  const given = asString(message.reasoning_content) ?? "";
  const others = {
    ...(said.refusal === "" ? {} : { refusal: said.refusal }),
    // Where the thinking stands beside the content as well, it is the same.
    ...(said.reasoning === "" || given !== "" ? {} : { reasoning_content: said.reasoning }),
    ...(images.length === 0 ? {} : { images }),
  };
  const hasOthers = Object.keys(others).length > 0;
  if (isDelta && said.text === "" && hasOthers) return { ...rest, ...others };
  const isSilent = !isDelta && said.text === "" && (said.refusal !== "" || message.tool_calls != null);
  return { ...rest, content: isSilent ? null : said.text, ...others };
}
