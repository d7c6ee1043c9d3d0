/** A client of Anthropic's Messages. */
import type {
  Ask,
  Cited,
  Client,
  Ending,
  Json,
  Piece,
  Result,
  Told,
  Trouble,
  Turn,
  WireRequest,
} from "../conversation.ts";
import { withOthers } from "../conversation.ts";
import { need } from "../wire.ts";
import { countBody, errorBody, message, readUsage } from "./anthropic-messages-forms.ts";
import { foldEvents } from "./anthropic-messages-stream.ts";

const HEADERS = { "anthropic-version": "2023-06-01" };
const MARK = { cache_control: { type: "ephemeral" } };

export const anthropicMessages: Client = {
  dialect: "anthropic-messages",
  write(ask, model, isStream) {
    return {
      path: "/v1/messages",
      headers: HEADERS,
      body: withOthers(
        { ...bodyOf(ask, model), ...(isStream ? { stream: true } : {}) },
        ask,
        "anthropic-messages",
      ),
    };
  },
  writeCount(ask, model): WireRequest {
    const { max_tokens: _, ...body } = bodyOf(ask, model);
    return { path: "/v1/messages/count_tokens", headers: HEADERS, body };
  },
  readCount(body) {
    countBody(body, "count");
    return (body as { input_tokens: number }).input_tokens;
  },
  readWhole(body) {
    message(body, "message");
    return readMessage(body as Json, null);
  },
  readStream(text) {
    const { whole, trouble } = foldEvents(text);
    return readMessage(whole, trouble);
  },
  readTrouble,
};

function bodyOf(ask: Ask, model: string): Json {
  const { system, tools = [], maxTokens, stop, schema, searches, thinks } = ask;
  const offered = [
    ...tools.map(({ name, description, schema }) => ({
      name,
      description,
      input_schema: schema ?? { type: "object", properties: {} },
    })),
    ...(searches === true ? [{ type: "web_search_20260209", name: "web_search" }] : []),
  ];
  const output = {
    ...(thinks === true ? { effort: "medium" } : {}),
    ...(schema === undefined ? {} : { format: { type: "json_schema", schema } }),
  };
  const blocks = (system ?? []).map((text) => ({ type: "text", text }));
  const messages = ask.turns.flatMap((turn) => messagesOf(turn));
  return {
    model,
    max_tokens: maxTokens ?? 4096,
    ...(blocks.length === 0 ? {} : { system: ask.caches === true ? marked(blocks) : blocks }),
    messages: ask.caches === true ? withMark(messages) : messages,
    ...(offered.length === 0 ? {} : { tools: offered }),
    ...(stop === undefined ? {} : { stop_sequences: stop }),
    ...(thinks === true ? { thinking: { type: "adaptive", display: "summarized" } } : {}),
    ...(Object.keys(output).length === 0 ? {} : { output_config: output }),
  };
}

function marked(blocks: readonly Json[]): Json[] {
  return blocks.map((block, index) => (index === blocks.length - 1 ? { ...block, ...MARK } : block));
}

/** Marks the end of the conversation, as agents do. */
function withMark(messages: readonly Json[]): Json[] {
  return messages.map((one, index) =>
    index === messages.length - 1 ? { ...one, content: marked(one.content as Json[]) } : one,
  );
}

function messagesOf(turn: Turn): Json[] {
  switch (turn.by) {
    case "user":
      return [{ role: "user", content: turn.pieces.map(blockOf) }];
    case "model":
      return [{ role: "assistant", content: turn.told.native }];
    case "system":
      return [{ role: "system", content: turn.text }];
    case "tools":
      return [{ role: "user", content: turn.results.map(resultOf) }];
  }
}

function resultOf({ call, content, isError }: Result): Json {
  return {
    type: "tool_result",
    tool_use_id: call.id,
    content: content.map(blockOf),
    ...(isError === true ? { is_error: true } : {}),
  };
}

function blockOf(piece: Piece): Json {
  switch (piece.kind) {
    case "text":
      return { type: "text", text: piece.text };
    case "image":
      return { type: "image", source: { type: "base64", media_type: piece.mimeType, data: piece.data } };
    case "image-url":
      return { type: "image", source: { type: "url", url: piece.url } };
    case "pdf":
      return {
        type: "document",
        title: piece.name,
        source: { type: "base64", media_type: "application/pdf", data: piece.data },
      };
  }
}

const ENDINGS: Readonly<Record<string, Ending>> = {
  end_turn: "end",
  tool_use: "calls",
  max_tokens: "length",
  model_context_window_exceeded: "length",
  stop_sequence: "stop-sequence",
  refusal: "refusal",
  pause_turn: "pause",
};

function readMessage(whole: Json, trouble: Trouble | null): Told {
  const content = (whole.content ?? []) as Json[];
  const joined = (type: string, member: string) =>
    content.flatMap((block) => (block.type === type ? [String(block[member])] : [])).join("");
  const ending = ENDINGS[String(whole.stop_reason)] ?? null;
  need(
    (ending === "stop-sequence") === (typeof whole.stop_sequence === "string"),
    "stop_sequence goes with its stop_reason",
  );
  return {
    text: joined("text", "text"),
    reasoning: joined("thinking", "thinking"),
    calls: content.flatMap(({ type, id, name, input }) =>
      type === "tool_use" ? [{ id: String(id), name: String(name), args: input as Json }] : [],
    ),
    ending,
    stopped: (whole.stop_sequence as string | null | undefined) ?? null,
    usage: whole.usage === undefined ? null : readUsage(whole.usage as Json),
    citations: content.flatMap(citationsOf),
    refusal: ((whole.stop_details as Json | null | undefined)?.explanation as string | undefined) ?? null,
    trouble,
    native: content,
  };
}

/** The cited words of the block; without a quote, the whole block. */
function citationsOf({ citations, text }: Json): Cited[] {
  return ((citations ?? []) as Json[]).map(({ url, title, cited_text }) => {
    const isQuote = cited_text !== "" && String(text).includes(String(cited_text));
    return { url: String(url), title: title as string | null, text: String(isQuote ? cited_text : text) };
  });
}

export function readTrouble(status: number | null, body: unknown): Trouble {
  errorBody(body, "error body");
  const { error } = body as { error: { type: string; message: string; details?: { error_code?: string } } };
  return {
    status,
    type: error.type,
    code: error.details?.error_code ?? null,
    message: error.message,
    fields: [],
  };
}
