// Anthropic Messages: the rules of a conversation - order of roles, empty texts, pairs of tool use and
// result, signatures.

import type { ClaudeTraits } from "../answer/catalogue.ts";
import { checkSeal } from "../answer/seal.ts";
import { isBase64 } from "../base/base64.ts";
import { asList, asRecord, asString, isRecord, type JsonRecord } from "../base/json.ts";
import { refuse } from "./body.ts";
import { blocksOf } from "./question.ts";

export interface TurnContext {
  readonly traits: ClaudeTraits;
  readonly thinking: JsonRecord;
  readonly version: string;
  readonly betas: readonly string[];
}

interface Turn {
  readonly role: string;
  readonly blocks: readonly JsonRecord[];
  /** The place of the turn's first message in the request. */
  readonly index: number;
}

export function checkTurns(messages: readonly JsonRecord[], context: TurnContext): void {
  if (messages.length === 0) {
    throw refuse("messages: at least one message is required");
  }
  if (messages[0]?.role !== "user") {
    throw refuse('messages: first message must use the "user" role');
  }
  checkTexts(messages);
  checkVersionedBlocks(messages, context);
  checkSearches(messages);
  checkData(messages);
  checkSystemTurns(messages, context);
  const turns = merged(messages);
  checkPairs(turns);
  checkEnding(messages, context);
  checkThoughts(turns, context);
}

/** Joins neighbouring messages of one role, as the provider does. System turns do not separate them. */
function merged(messages: readonly JsonRecord[]): Turn[] {
  const turns: Turn[] = [];
  for (const [index, message] of messages.entries()) {
    const role = asString(message.role);
    const last = turns.at(-1);
    if (role === "system") {
      continue;
    }
    if (last?.role === role) {
      turns[turns.length - 1] = { ...last, blocks: [...last.blocks, ...blocksOf(message)] };
    } else {
      turns.push({ role, blocks: blocksOf(message), index });
    }
  }
  return turns;
}

function checkTexts(messages: readonly JsonRecord[]): void {
  for (const [index, message] of messages.entries()) {
    const isLastAssistant = index === messages.length - 1 && message.role === "assistant";
    const blocks = blocksOf(message);
    if (!isLastAssistant && (blocks.length === 0 || message.content === "")) {
      throw refuse(
        `messages.${index}: all messages must have non-empty content except for the optional final assistant message`,
      );
    }
    for (const [at, block] of blocks.entries()) {
      const isEmpty = block.type === "text" && block.text === "" && message.content !== "";
      const inner = block.type === "tool_result" ? asList(block.content).map(asRecord) : [];
      if (inner.some((one) => one.type === "text" && one.text === "")) {
        throw refuse("messages: text content blocks must be non-empty");
      }
      if (isEmpty && isRecord(block.cache_control)) {
        throw refuse(
          `messages.${index}.content.${at}.text: cache_control cannot be set for empty text blocks`,
        );
      }
      if (isEmpty) {
        throw refuse("messages: text content blocks must be non-empty");
      }
      if (block.type === "text" && block.text !== "" && asString(block.text).trim() === "") {
        throw refuse("messages: text content blocks must contain non-whitespace text");
      }
    }
  }
}

/** Version 2026-10-21: the assistant sends no documents, and the user's text has no citations. */
function checkVersionedBlocks(messages: readonly JsonRecord[], { version }: TurnContext): void {
  for (const [index, message] of messages.entries()) {
    for (const [at, block] of blocksOf(message).entries()) {
      const place = `messages.${index}.content.${at}`;
      if (version !== "2023-06-01" && message.role === "assistant" && block.type === "document") {
        throw refuse(`${place}: document blocks are not permitted in assistant messages`);
      }
      const hasCitations = asList(block.citations).length > 0;
      if (version !== "2023-06-01" && message.role === "user" && block.type === "text" && hasCitations) {
        throw refuse(`${place}.citations: citations are not permitted on user text blocks`);
      }
    }
  }
}

/**
 * A system turn is not the first turn. It follows a user turn or the result of a server tool, and an
 * assistant turn or the end of the messages follows it.
 */
function checkSystemTurns(messages: readonly JsonRecord[], { traits, betas }: TurnContext): void {
  for (const [index, message] of messages.entries()) {
    if (message.role !== "system") {
      continue;
    }
    if (!traits.takesSystemTurns) {
      throw refuse(`messages.${index}.role: role 'system' is not supported on this model`);
    }
    const before = messages[index - 1];
    const after = messages[index + 1];
    const lastBlock = before === undefined ? undefined : blocksOf(before).at(-1);
    const isAfterResult = before?.role === "assistant" && asString(lastBlock?.type).endsWith("_tool_result");
    const isBefore = after === undefined || after.role === "assistant";
    if (!(before?.role === "user" || isAfterResult) || !isBefore) {
      throw refuse(
        `messages.${index}: a system message must follow a user message and precede an assistant message or end the conversation`,
      );
    }
    const hasBeta = (name: string) => betas.some((beta) => beta.startsWith(name));
    if (message.output_config !== undefined && !hasBeta("per-turn-control-")) {
      throw refuse(`messages.${index}.output_config: Extra inputs are not permitted`);
    }
    const isToolChange = blocksOf(message).some((block) => block.type !== "text");
    if (isToolChange && !hasBeta("mid-conversation-tool-changes-")) {
      throw refuse(`messages.${index}.content: tool changes need the beta mid-conversation-tool-changes`);
    }
  }
}

function checkPairs(turns: readonly Turn[]): void {
  const usedIds = new Set<string>();
  for (const [at, turn] of turns.entries()) {
    if (turn.role === "assistant") {
      const ids = turn.blocks.filter((block) => block.type === "tool_use").map((block) => asString(block.id));
      if (new Set(ids).size !== ids.length || ids.some((id) => usedIds.has(id))) {
        throw refuse("messages: `tool_use` ids must be unique");
      }
      for (const id of ids) {
        usedIds.add(id);
      }
      checkAnswered(turn, ids, turns[at + 1]);
    } else {
      checkExpected(turn, turns[at - 1]);
    }
  }
}

function resultIds(blocks: readonly JsonRecord[]): string[] {
  return blocks.filter((block) => block.type === "tool_result").map((block) => asString(block.tool_use_id));
}

/** Tool results stand at the beginning of the next turn. */
function checkAnswered(turn: Turn, ids: readonly string[], next: Turn | undefined): void {
  const end = next?.blocks.findIndex((block) => block.type !== "tool_result") ?? 0;
  const results = resultIds(end < 0 ? (next?.blocks ?? []) : (next?.blocks.slice(0, end) ?? []));
  const open = ids.filter((id) => !results.includes(id));
  if (open.length > 0) {
    throw refuse(
      `messages.${turn.index}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ${open.join(", ")}. Each \`tool_use\` block must have a corresponding \`tool_result\` block in the next message.`,
    );
  }
}

function checkExpected(turn: Turn, previous: Turn | undefined): void {
  const asked = (previous?.blocks ?? [])
    .filter((block) => block.type === "tool_use")
    .map((block) => block.id);
  const ids = resultIds(turn.blocks);
  const odd = ids.find((id) => !asked.includes(id));
  if (odd !== undefined) {
    const at = turn.blocks.findIndex((block) => block.tool_use_id === odd);
    throw refuse(
      `messages.${turn.index}.content.${at}: unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${odd}. Each \`tool_result\` block must have a corresponding \`tool_use\` block in the previous message.`,
    );
  }
  const double = ids.find((id, at) => ids.indexOf(id) !== at);
  if (double !== undefined) {
    throw refuse(
      `messages.${turn.index}.content: each tool_use must have a single result. Found multiple \`tool_result\` blocks with id: ${double}`,
    );
  }
}

function checkEnding(messages: readonly JsonRecord[], { traits, thinking }: TurnContext): void {
  const last = messages.at(-1);
  const isPaused = /^(server_tool_use|web_search_tool_result)$/.test(
    asString(blocksOf(last ?? {}).at(-1)?.type),
  );
  if (last?.role !== "assistant" || isPaused) {
    return;
  }
  if (!traits.takesPrefill || thinking.type === "enabled") {
    throw refuse(
      "This model does not support assistant message prefill. The conversation must end with a user message.",
    );
  }
  if (/\s$/.test(asString(blocksOf(last).at(-1)?.text))) {
    throw refuse("messages: final assistant content cannot end with trailing whitespace");
  }
}

/**
 * The assistant's turns since the user's last text, and always the assistant's latest turn. The provider
 * ignores thinking before them.
 */
function checkThoughts(turns: readonly Turn[], { thinking }: TurnContext): void {
  const spoken = turns.findLastIndex((turn) => turn.role === "user" && resultIds(turn.blocks).length === 0);
  const last = turns.findLastIndex((turn) => turn.role === "assistant");
  const latest = turns[last];
  for (const turn of turns.slice(Math.min(spoken + 1, last)).filter((one) => one.role === "assistant")) {
    for (const [at, block] of turn.blocks.entries()) {
      checkThought(block, `messages.${turn.index}.content.${at}`);
    }
  }
  const isInLoop = turns.at(-1)?.blocks.some((block) => block.type === "tool_result") === true;
  const first = asString(latest?.blocks[0]?.type);
  if (
    latest !== undefined &&
    thinking.type === "enabled" &&
    isInLoop &&
    !["thinking", "redacted_thinking"].includes(first)
  ) {
    throw refuse(
      `messages.${latest.index}.content.0.type: Expected \`thinking\` or \`redacted_thinking\`, but found \`${first}\`. When \`thinking\` is enabled, a final \`assistant\` message must start with a thinking block (preceding the lastmost set of \`tool_use\` and \`tool_result\` blocks).`,
    );
  }
}

function checkThought(block: JsonRecord, place: string): void {
  const shown = asString(block.thinking);
  const text = shown === "" ? undefined : shown;
  if (block.type === "thinking" && checkSeal(asString(block.signature), "anthropic", "", text) !== "good") {
    throw refuse(`${place}: Invalid \`signature\` in \`thinking\` block`);
  }
  if (block.type === "redacted_thinking" && checkSeal(asString(block.data), "anthropic", "") !== "good") {
    throw refuse(`${place}: Invalid \`data\` in \`redacted_thinking\` block`);
  }
}

/** The client sends search results back with the provider's marks, next to the call that found them. */
function checkSearches(messages: readonly JsonRecord[]): void {
  const isOwn = (value: unknown) => checkSeal(asString(value), "anthropic", "") === "good";
  for (const [index, message] of messages.entries()) {
    const blocks = message.role === "assistant" ? blocksOf(message) : [];
    const asked = blocks.filter((block) => block.type === "server_tool_use").map((block) => block.id);
    for (const [at, block] of blocks.entries()) {
      const place = `messages.${index}.content.${at}`;
      if (block.type === "web_search_tool_result" && !asked.includes(block.tool_use_id)) {
        throw refuse(
          `${place}: unexpected \`tool_use_id\` found in \`web_search_tool_result\` blocks: ${asString(block.tool_use_id)}. Each \`web_search_tool_result\` block must have a corresponding \`server_tool_use\` block before it.`,
        );
      }
      const found = block.type === "web_search_tool_result" ? asList(block.content).map(asRecord) : [];
      if (found.some((result) => !isOwn(result.encrypted_content))) {
        throw refuse(`${place}: Invalid \`encrypted_content\` in \`search_result\` block`);
      }
      const cited = asList(block.citations).map(asRecord);
      if (cited.some((one) => one.type === "web_search_result_location" && !isOwn(one.encrypted_index))) {
        throw refuse(`${place}: Invalid \`encrypted_index\` in \`web_search_result_location\` citation`);
      }
    }
  }
}

/** Images and documents of the messages, also those within tool results. */
function checkData(messages: readonly JsonRecord[]): void {
  for (const [index, message] of messages.entries()) {
    for (const [at, block] of blocksOf(message).entries()) {
      const inner = block.type === "tool_result" ? asList(block.content).map(asRecord) : [];
      for (const one of [block, ...inner]) {
        const source = asRecord(one.source);
        if (source.type === "base64" && !isBase64(asString(source.data))) {
          throw refuse(
            `messages.${index}.content.${at}.${asString(one.type)}.source.base64: invalid base64 data`,
          );
        }
      }
    }
  }
}
