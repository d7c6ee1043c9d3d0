/** A client of OpenAI's Chat Completions. */
import {
  type Ask,
  type Client,
  type Ending,
  type Json,
  NoWords,
  type Piece,
  type Result,
  type Told,
  type Trouble,
  type Turn,
  type WireRequest,
  withOthers,
} from "../conversation.ts";
import { completion, errorBody, readCalls, readCitations, readUsage } from "./openai-chat-forms.ts";
import { foldChunks } from "./openai-chat-stream.ts";

export const openaiChat: Client = {
  dialect: "openai-chat",
  write,
  writeCount() {
    throw new NoWords("Chat Completions has no endpoint that counts tokens");
  },
  readCount() {
    throw new NoWords("Chat Completions has no endpoint that counts tokens");
  },
  readWhole(body) {
    completion(body, "completion");
    const { choices, usage } = body as { choices: Json[]; usage: Json };
    return readChoice(choices[0] as Json, usage);
  },
  readStream(text) {
    const { choice, usage, trouble } = foldChunks(text);
    return trouble === null
      ? readChoice(choice, usage)
      : { ...readChoice(choice, usage), ending: null, trouble };
  },
  readTrouble,
};

function write(ask: Ask, model: string, isStream: boolean): WireRequest {
  const body = withOthers(bodyOf(ask, model, isStream), ask, "openai-chat");
  return { path: "/v1/chat/completions", headers: {}, body };
}

function bodyOf(ask: Ask, model: string, isStream: boolean): Json {
  const { system = [], tools, maxTokens, stop, schema } = ask;
  return {
    model,
    messages: [
      ...system.map((content) => ({ role: "system", content })),
      ...ask.turns.flatMap((turn) => messagesOf(turn)),
    ],
    ...(tools === undefined
      ? {}
      : { tools: tools.map((tool) => ({ type: "function", function: functionOf(tool) })) }),
    ...(maxTokens === undefined ? {} : { max_completion_tokens: maxTokens }),
    ...(stop === undefined ? {} : { stop }),
    ...(ask.thinks === true ? { reasoning_effort: "medium" } : {}),
    ...(schema === undefined
      ? {}
      : {
          response_format: { type: "json_schema", json_schema: { name: "verdict", schema, strict: true } },
        }),
    ...(ask.searches === true ? { web_search_options: {} } : {}),
    ...(isStream ? { stream: true, stream_options: { include_usage: true } } : {}),
  };
}

function functionOf({ name, description, schema }: NonNullable<Ask["tools"]>[number]): Json {
  return { name, description, ...(schema === null ? {} : { parameters: schema }) };
}

function messagesOf(turn: Turn): unknown[] {
  switch (turn.by) {
    case "user":
      return [{ role: "user", content: contentOf(turn.pieces) }];
    case "model":
      return [...turn.told.native];
    case "system":
      return [{ role: "system", content: turn.text }];
    case "tools": {
      // A tool's message holds text alone: its other results come from the user, after all tools' messages.
      const others = turn.results.flatMap(({ content }) => content.filter(({ kind }) => kind !== "text"));
      const shown = others.length === 0 ? [] : [{ role: "user", content: others.map(partOf) }];
      return [...turn.results.map(toolMessage), ...shown];
    }
  }
}

function toolMessage({ call, content, isError }: Result): Json {
  const text = content.map((piece) => (piece.kind === "text" ? piece.text : "(shown below)")).join("\n");
  return { role: "tool", tool_call_id: call.id, content: isError === true ? `Error: ${text}` : text };
}

function contentOf(pieces: readonly Piece[]): unknown {
  const [first] = pieces;
  return pieces.length === 1 && first?.kind === "text" ? first.text : pieces.map(partOf);
}

function partOf(piece: Piece): Json {
  switch (piece.kind) {
    case "text":
      return { type: "text", text: piece.text };
    case "image":
      return { type: "image_url", image_url: { url: `data:${piece.mimeType};base64,${piece.data}` } };
    case "image-url":
      return { type: "image_url", image_url: { url: piece.url } };
    case "pdf":
      return {
        type: "file",
        file: { filename: piece.name, file_data: `data:application/pdf;base64,${piece.data}` },
      };
  }
}

const ENDINGS: Readonly<Record<string, Ending>> = {
  stop: "end",
  tool_calls: "calls",
  length: "length",
  content_filter: "refusal",
};

function readChoice(choice: Json, usage: Json | null): Told {
  const message = choice.message as Json;
  const text = (message.content as string | null) ?? "";
  return {
    text,
    reasoning: (message.reasoning_content as string | undefined) ?? "",
    calls: readCalls(message),
    ending: ENDINGS[String(choice.finish_reason)] ?? null,
    stopped: null,
    usage: usage === null ? null : readUsage(usage),
    citations: readCitations(message, text),
    refusal: (message.refusal as string | null | undefined) ?? null,
    trouble: null,
    native: [withoutEmpty(message)],
  };
}

/** A stream has no empty list of annotations, so a history has none either. */
function withoutEmpty({ annotations, ...message }: Json): Json {
  return Array.isArray(annotations) && annotations.length > 0 ? { ...message, annotations } : message;
}

export function readTrouble(status: number | null, body: unknown): Trouble {
  errorBody(body, "error body");
  const { message, type, code, param } = (body as { error: Record<string, string | null> }).error;
  return {
    status,
    type: type ?? null,
    code: code ?? null,
    message: message ?? "",
    fields: param === null || param === undefined ? [] : [param],
  };
}
