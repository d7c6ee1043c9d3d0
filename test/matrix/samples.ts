/** Samples for the scenarios: tools, a picture, a page, texts of the simulated model. */

import type { Json, Piece, Tool } from "./conversation.ts";
import type { Cell } from "./matrix.ts";
import { MODELS } from "./stage.ts";

export const WEATHER: Tool = {
  name: "get_weather",
  description: "The weather of a city.",
  schema: {
    type: "object",
    properties: {
      city: { type: "string", description: "Name of the city." },
      days: { type: "integer", minimum: 1 },
    },
    required: ["city", "days"],
    additionalProperties: false,
  },
};
export const CLOCK: Tool = { name: "get_time", description: "The time of day.", schema: null };

/** The arguments with which the simulated model calls WEATHER. */
export const WEATHER_ARGS: Json = { city: "example", days: 1 };

/** A PNG of one pixel. */
export const PIXEL: Piece & { kind: "image" } = {
  kind: "image",
  mimeType: "image/png",
  data: "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
};
export const PAGE: Piece & { kind: "pdf" } = {
  kind: "pdf",
  name: "page.pdf",
  data: Buffer.from("%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n").toString("base64"),
};

export const REASONING =
  "The question is read first. Then the tools are looked over. An echo of the last words will do as an answer.";
export const REFUSAL = "I’m sorry, but I can’t help with that.";

/** The simulated model's answer to a question. */
export function echoOf({ upstream }: Cell, asked: string, results: readonly string[] = []): string {
  const read = results.map((text) => `“${text}”`).join(", ");
  const about =
    results.length === 0
      ? "No provider was asked. "
      : `The result of the tool has been read. It says ${read}. `;
  return `You said: “${asked}” This is ${MODELS[upstream]}, simulated. ${about}Have a naïve café in 東京 🙂.`;
}
