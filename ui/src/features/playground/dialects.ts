/** How each dialect asks for a chat, and how the pieces of its streamed answer read. */
export const DIALECTS = ["openai-chat", "openai-responses", "anthropic-messages", "gemini"] as const;
export type Dialect = (typeof DIALECTS)[number];

export const DIALECT_NAMES: Record<Dialect, string> = {
  "openai-chat": "Chat Completions",
  "openai-responses": "Responses",
  "anthropic-messages": "Messages",
  gemini: "Gemini",
};

/** A dialect by its name; Chat Completions for any other text. */
export const dialectOf = (name: string): Dialect => DIALECTS.find((one) => one === name) ?? "openai-chat";

export interface Turn {
  readonly role: "user" | "assistant";
  readonly text: string;
  /** A picture as a data URL; null: none. */
  readonly image: string | null;
}

export interface Asked {
  readonly path: string;
  readonly body: Record<string, unknown>;
}

export interface Piece {
  readonly kind: "text" | "thinking" | "tool" | "error";
  readonly text: string;
}

const MAX_TOKENS = 4_096;

/** `data:image/png;base64,AAAA` → its type and its content. */
function imageParts(url: string): { readonly type: string; readonly data: string } {
  const [, type = "", data = ""] = /^data:([^;,]+);base64,(.*)$/.exec(url) ?? [];
  return { type, data };
}

const ASK: Record<Dialect, (model: string, system: string, turns: readonly Turn[]) => Asked> = {
  "openai-chat": (model, system, turns) => ({
    path: "/v1/chat/completions",
    body: {
      model,
      stream: true,
      messages: [
        ...(system === "" ? [] : [{ role: "system", content: system }]),
        ...turns.map(({ role, text, image }) => ({
          role,
          content:
            image === null
              ? text
              : [
                  { type: "text", text },
                  { type: "image_url", image_url: { url: image } },
                ],
        })),
      ],
    },
  }),
  "openai-responses": (model, system, turns) => ({
    path: "/v1/responses",
    body: {
      model,
      stream: true,
      store: false,
      ...(system === "" ? {} : { instructions: system }),
      input: turns.map(({ role, text, image }) => ({
        role,
        content: [
          { type: role === "user" ? "input_text" : "output_text", text },
          ...(image === null ? [] : [{ type: "input_image", image_url: image }]),
        ],
      })),
    },
  }),
  "anthropic-messages": (model, system, turns) => ({
    path: "/v1/messages",
    body: {
      model,
      stream: true,
      max_tokens: MAX_TOKENS,
      ...(system === "" ? {} : { system }),
      messages: turns.map(({ role, text, image }) => ({
        role,
        content: [
          ...(image === null
            ? []
            : [
                {
                  type: "image",
                  source: {
                    type: "base64",
                    media_type: imageParts(image).type,
                    data: imageParts(image).data,
                  },
                },
              ]),
          { type: "text", text },
        ],
      })),
    },
  }),
  gemini: (model, system, turns) => ({
    path: `/v1beta/models/${model}:streamGenerateContent?alt=sse`,
    body: {
      ...(system === "" ? {} : { systemInstruction: { parts: [{ text: system }] } }),
      contents: turns.map(({ role, text, image }) => ({
        role: role === "user" ? "user" : "model",
        parts: [
          { text },
          ...(image === null
            ? []
            : [{ inlineData: { mimeType: imageParts(image).type, data: imageParts(image).data } }]),
        ],
      })),
    },
  }),
};

export function ask(dialect: Dialect, model: string, system: string, turns: readonly Turn[]): Asked {
  return ASK[dialect](model, system, turns);
}

/** JSON of which nothing is known: every step may lead to nothing. */
interface Json {
  readonly [key: string]: Json | undefined;
}

const piece = (kind: Piece["kind"], value: unknown): readonly Piece[] =>
  typeof value === "string" && value !== "" ? [{ kind, text: value }] : [];

/** Members may be missing or of any form: answers are hostile text. */
const READ: Record<Dialect, (event: Json) => readonly Piece[]> = {
  "openai-chat": (event) => {
    const delta = event.choices?.[0]?.delta;
    const call = delta?.tool_calls?.[0]?.function;
    return [
      ...piece("thinking", delta?.reasoning_content ?? delta?.reasoning),
      ...piece("text", delta?.content),
      ...piece("tool", call?.name),
      ...piece("tool", call?.arguments),
    ];
  },
  "openai-responses": (event) => {
    const type = String(event.type ?? "");
    if (type === "response.output_text.delta" || type === "response.refusal.delta")
      return piece("text", event.delta);
    if (type.startsWith("response.reasoning") && type.endsWith(".delta"))
      return piece("thinking", event.delta);
    if (type === "response.output_item.added") return piece("tool", event.item?.name);
    return type === "response.function_call_arguments.delta" ? piece("tool", event.delta) : [];
  },
  "anthropic-messages": (event) => [
    ...piece("tool", event.content_block?.name),
    ...piece("text", event.delta?.text),
    ...piece("thinking", event.delta?.thinking),
    ...piece("tool", event.delta?.partial_json),
  ],
  gemini: (event) => {
    const parts = event.candidates?.[0]?.content?.parts;
    if (!Array.isArray(parts)) return [];
    return (parts as unknown as readonly (Json | null)[]).flatMap((part) => [
      ...piece(part?.thought === undefined ? "text" : "thinking", part?.text),
      ...(part?.functionCall === undefined ? [] : piece("tool", JSON.stringify(part.functionCall))),
    ]);
  },
};

/** The pieces of one event's data. */
export function readPieces(dialect: Dialect, data: string): readonly Piece[] {
  if (data === "[DONE]") return [];
  let event: Json;
  try {
    event = JSON.parse(data) as Json;
  } catch {
    return [{ kind: "error", text: data }];
  }
  if (typeof event !== "object" || event === null) return [];
  const fault = event.error ?? event.response?.error;
  if (fault !== undefined && fault !== null) return piece("error", fault.message ?? JSON.stringify(fault));
  return READ[dialect](event);
}
