/** Recorded answers with the usage of a case in them, as each provider writes it. */
import { CHAT, type DialectName, GEMINI, MESSAGES, RESPONSES, type Recording } from "../kit/recordings.ts";

/** JSON as it was parsed; tests write single members of it. */
type Json = ReturnType<typeof JSON.parse>;

/** The members that are paid for: usage, and what stands beside it. */
export type Paid = Readonly<Record<string, unknown>>;

export interface PaidAnswer {
  readonly whole: string;
  readonly frames: readonly string[];
}

interface Writer {
  readonly recording: Recording;
  /** Writes the members into the whole answer, or into one frame of the stream. */
  write(value: Json, paid: Paid): void;
}

export const WRITERS: Readonly<Record<DialectName, Writer>> = {
  "openai-chat": {
    recording: CHAT,
    write(value, { usage, service_tier }) {
      value.service_tier = service_tier ?? "default";
      if (value.usage) value.usage = usage;
    },
  },
  "openai-responses": {
    recording: RESPONSES,
    write(value, { items = [], ...paid }) {
      const response = value.response ?? value;
      if (!response.usage) return;
      Object.assign(response, paid);
      response.output.unshift(...(items as Json[]));
    },
  },
  "anthropic-messages": {
    recording: MESSAGES,
    write(value, { usage }) {
      if (value.type === "message") value.usage = usage;
      if (value.type === "message_start") value.message.usage = { ...(usage as object), output_tokens: 1 };
      if (value.type === "message_delta") value.usage = usage;
    },
  },
  gemini: {
    recording: GEMINI,
    write(value, { usageMetadata, groundingMetadata }) {
      const [candidate] = value.candidates;
      if (candidate.finishReason === undefined) return;
      value.usageMetadata = usageMetadata;
      if (groundingMetadata !== undefined) candidate.groundingMetadata = groundingMetadata;
    },
  },
};

export function paidAnswer(dialect: DialectName, paid: Paid): PaidAnswer {
  const { recording, write } = WRITERS[dialect];
  const written = (json: string): string => {
    const value: Json = JSON.parse(json);
    write(value, paid);
    return JSON.stringify(value);
  };
  return {
    whole: written(recording.whole),
    frames: recording.frames.map((frame) =>
      frame.replace(/data: (\{.*\})/, (_, json: string) => `data: ${written(json)}`),
    ),
  };
}
