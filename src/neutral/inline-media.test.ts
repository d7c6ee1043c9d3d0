import { expect, test } from "bun:test";
import { MEDIA_BYTES } from "./estimate.ts";
import { bytesWithoutMedia } from "./inline-media.ts";

const PICTURE = "iVBORw0KGgo+/".repeat(6_000);
const TEXT = "It is a truth universally acknowledged, that a single man. ".repeat(1_500);
const bytesOf = (body: unknown): number =>
  bytesWithoutMedia(Buffer.from(typeof body === "string" ? body : JSON.stringify(body)));

test.each([
  ["a data URL", { image_url: { url: `data:image/png;base64,${PICTURE}` } }],
  ["Anthropic", { source: { type: "base64", media_type: "image/png", data: PICTURE } }],
  ["Gemini", { inlineData: { mimeType: "image/png", data: PICTURE } }],
  ["OpenAI's audio", { input_audio: { data: PICTURE, format: "wav" } }],
  ["spaces before a value", `{"data" : \n "${PICTURE}"}`],
  ["a body that breaks off", `{"data":"${PICTURE}`],
])("media count by the piece: %s", (_, part) => {
  const least =
    (typeof part === "string" ? part : JSON.stringify(part)).length - PICTURE.length + MEDIA_BYTES;
  expect(bytesOf(part)).toBe(least);
});

test("each piece counts, and the text beside them by its bytes", () => {
  const media = { data: PICTURE };
  const body = [media, TEXT, { url: `data:application/pdf;base64,${PICTURE}` }, media];
  const bytes = JSON.stringify(body).length;
  expect(bytesOf(body)).toBe(bytes - 3 * (PICTURE.length - MEDIA_BYTES));
});

test.each([
  ["text", { data: TEXT }],
  ["a text that names the form", { text: `;base64,${TEXT}` }],
  ["a short piece", { data: "aGVsbG8=", more: TEXT }],
  ["no string", { data: [TEXT], more: { data: null } }],
  ["a name at the end", `${JSON.stringify(TEXT)} "data"`],
  ["letters of another script", { data: "語".repeat(9_000) }],
  ["nothing", ""],
])("what is no media counts by its bytes: %s", (_, body) => {
  expect(bytesOf(body)).toBe(Buffer.byteLength(typeof body === "string" ? body : JSON.stringify(body)));
});

test("a body that is all marks takes no more time than any other", () => {
  for (const mark of [";base64,", '"data":"', '"data"']) {
    const body = Buffer.from(mark.repeat(1_000_000));
    const startMs = performance.now();
    expect(bytesWithoutMedia(body)).toBe(body.length);
    expect(performance.now() - startMs).toBeLessThan(3_000);
  }
});
