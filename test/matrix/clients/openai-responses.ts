/** A client of OpenAI's Responses that keeps its history itself. */
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
import { parseObject } from "../wire.ts";
import { countBody, errorBody, readCitations, readUsage, wholeResponse } from "./openai-responses-forms.ts";
import { foldEvents } from "./openai-responses-stream.ts";

export const openaiResponses: Client = {
  dialect: "openai-responses",
  write(ask, model, isStream) {
    if (ask.stop !== undefined) throw new NoWords("Responses has no stop sequences");
    const { maxTokens } = ask;
    const body = {
      ...bodyOf(ask, model),
      ...(maxTokens === undefined ? {} : { max_output_tokens: maxTokens }),
      include: ["reasoning.encrypted_content"],
      store: false,
      ...(isStream ? { stream: true } : {}),
    };
    return { path: "/v1/responses", headers: {}, body: withOthers(body, ask, "openai-responses") };
  },
  writeCount(ask, model): WireRequest {
    return { path: "/v1/responses/input_tokens", headers: {}, body: bodyOf(ask, model) };
  },
  readCount(body) {
    countBody(body, "count");
    return (body as { input_tokens: number }).input_tokens;
  },
  readWhole(body) {
    wholeResponse(body, "response");
    return readResponse(body as Json, null);
  },
  readStream(text) {
    const { response, trouble } = foldEvents(text);
    return readResponse(response, trouble);
  },
  readTrouble,
};

function bodyOf(ask: Ask, model: string): Json {
  const { system = [], tools = [], schema, searches, thinks } = ask;
  const [instructions, ...others] = system;
  const offered = [
    ...tools.map(({ name, description, schema }) => ({
      type: "function",
      name,
      description,
      parameters: schema,
      strict: false,
    })),
    ...(searches === true ? [{ type: "web_search" }] : []),
  ];
  const format = { type: "json_schema", name: "verdict", schema, strict: true };
  return {
    model,
    ...(instructions === undefined ? {} : { instructions }),
    input: [...others.map(developer), ...ask.turns.flatMap((turn) => itemsOf(turn))],
    ...(offered.length === 0 ? {} : { tools: offered }),
    ...(thinks === true ? { reasoning: { effort: "medium", summary: "auto" } } : {}),
    ...(schema === undefined ? {} : { text: { format } }),
  };
}

function developer(text: string): Json {
  return { type: "message", role: "developer", content: [{ type: "input_text", text }] };
}

function itemsOf(turn: Turn): unknown[] {
  switch (turn.by) {
    case "user":
      return [{ type: "message", role: "user", content: turn.pieces.map(partOf) }];
    case "model":
      return [...turn.told.native];
    case "system":
      return [developer(turn.text)];
    case "tools":
      return turn.results.map(outputItem);
  }
}

function outputItem({ call, content, isError }: Result): Json {
  const [first] = content;
  const isText = content.length === 1 && first?.kind === "text";
  const prefix = isError === true ? "Error: " : "";
  return {
    type: "function_call_output",
    call_id: call.id,
    output: isText ? `${prefix}${first.text}` : content.map(partOf),
  };
}

function partOf(piece: Piece): Json {
  switch (piece.kind) {
    case "text":
      return { type: "input_text", text: piece.text };
    case "image":
      return {
        type: "input_image",
        image_url: `data:${piece.mimeType};base64,${piece.data}`,
        detail: "auto",
      };
    case "image-url":
      return { type: "input_image", image_url: piece.url, detail: "auto" };
    case "pdf":
      return {
        type: "input_file",
        filename: piece.name,
        file_data: `data:application/pdf;base64,${piece.data}`,
      };
  }
}

function readResponse(response: Json, trouble: Trouble | null): Told {
  const output = (response.output ?? []) as Json[];
  const messages = output.filter(({ type }) => type === "message");
  const parts = messages.flatMap(({ content }) => content as Json[]);
  const refusal = parts.flatMap((part) => (part.type === "refusal" ? [String(part.refusal)] : [])).join("");
  return {
    text: parts.flatMap((part) => (part.type === "output_text" ? [String(part.text)] : [])).join(""),
    reasoning: output.flatMap((item) => (item.type === "reasoning" ? [reasoningText(item)] : [])).join(""),
    calls: output.flatMap(({ type, call_id, name, arguments: args }) =>
      type === "function_call"
        ? [{ id: String(call_id), name: String(name), args: parseObject(String(args), "arguments") }]
        : [],
    ),
    ending: trouble === null ? endingOf(response, output, refusal) : null,
    stopped: null,
    usage: response.usage === undefined || response.usage === null ? null : readUsage(response.usage as Json),
    citations: parts.flatMap(readCitations),
    refusal: refusal === "" ? null : refusal,
    trouble,
    native: output,
  };
}

function reasoningText({ summary, content }: Json): string {
  return [...(summary as Json[]), ...((content ?? []) as Json[])].map(({ text }) => String(text)).join("");
}

function endingOf({ incomplete_details }: Json, output: readonly Json[], refusal: string): Ending {
  const reason = (incomplete_details as Json | null)?.reason;
  if (reason === "max_output_tokens") return "length";
  if (reason === "content_filter" || refusal !== "") return "refusal";
  return output.some(({ type }) => type === "function_call") ? "calls" : "end";
}

function readTrouble(status: number | null, body: unknown): Trouble {
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
