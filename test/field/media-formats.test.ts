import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Frame } from "../flow/translated.ts";
import { describeKind } from "./kind.ts";
import { kind } from "./kinds/media-formats.ts";
import { startTranslationStage, type TranslationStage } from "./translation-stage.ts";

const base64 = (text: string): string => Buffer.from(text, "latin1").toString("base64");

/** Each format: the words of clients, the beginning of a file, and the type that Google documents for it. */
const SOUNDS: readonly (readonly [words: readonly string[], head: string, mimeType: string])[] = [
  [["wav", "audio/x-wav", "WAV"], "RIFF\0\0\0\0WAVEfmt ", "audio/wav"],
  [["mp3", "audio/mpeg", "mpga"], "ID3\x04\0\0\0\0\0\0", "audio/mpeg"],
  [["ogg", "audio/ogg; codecs=opus", "opus"], "OggS\0\0\0\0\0\0", "audio/ogg"],
  [["flac", "audio/x-flac"], "fLaC\0\0\0\0", "audio/flac"],
  [["m4a", "audio/x-m4a"], "\0\0\0 ftypM4A \0\0", "audio/mp4"],
  [["aac"], "\xff\xf1P\x80\0\0", "audio/aac"],
  [["aiff", "aif"], "FORM\0\0\0\0AIFF", "audio/aiff"],
  [["webm"], "\x1a\x45\xdf\xa3\0\0", "audio/webm"],
];

const chat = (inputAudio: object): object => ({
  messages: [
    {
      role: "user",
      content: [
        { type: "input_audio", input_audio: inputAudio },
        { type: "text", text: "?" },
      ],
    },
  ],
});
const responses = (inputAudio: object): object => ({
  input: [
    {
      role: "user",
      content: [
        { type: "input_audio", input_audio: inputAudio },
        { type: "input_text", text: "?" },
      ],
    },
  ],
});

describeKind(kind, () => {
  let stage: TranslationStage;
  beforeAll(async () => {
    stage = await startTranslationStage(
      `[[traits]]\nmatch = "house-*"\naudio = true\nimage = true\npdf = true`,
    );
  });
  afterAll(() => stage?.close());

  for (const [words, head, mimeType] of SOUNDS) {
    const data = base64(head);
    test(`reported: ${words[0]} of a Chat client reaches Gemini`, async () => {
      for (const format of words) {
        const body = chat({ data, format });
        const answer = await stage.ask({ client: "openai-chat", upstream: "gemini", body });
        expect([format, answer.status]).toEqual([format, 200]);
        expect(stage.bodies()[0].contents[0].parts[0]).toEqual({ inlineData: { mimeType, data } });
      }
    });

    test(`${words[0]} of a Responses client reaches Gemini, and a server that is not OpenAI by its word`, async () => {
      const client = "openai-responses";
      const format = words[0] as string;
      await stage.ask({ client, upstream: "gemini", body: responses({ data, format }) });
      expect(stage.bodies()[0].contents[0].parts[0]).toEqual({ inlineData: { mimeType, data } });
      const model = "house-hears";
      await stage.ask({ client, upstream: "openai-chat", model, body: responses({ data, format }) });
      expect(stage.bodies()[0].messages[0].content[0]).toEqual({
        type: "input_audio",
        input_audio: { data, format },
      });
    });

    test(`${words[0]} without a word for its format is known by its bytes`, async () => {
      await stage.ask({ client: "openai-chat", upstream: "gemini", body: chat({ data }) });
      expect(stage.bodies()[0].contents[0].parts[0]).toEqual({ inlineData: { mimeType, data } });
    });

    test(`${words[0]} of a Gemini client reaches a Chat server in its word`, async () => {
      const part = { inlineData: { mimeType, data } };
      const body = { contents: [{ role: "user", parts: [part, { text: "?" }] }] };
      await stage.ask({ client: "gemini", upstream: "openai-chat", model: "house-hears", body });
      const [sent] = stage.bodies()[0].messages[0].content;
      expect(sent).toEqual({ type: "input_audio", input_audio: { data, format: words[0] } });
    });
  }

  test("a data: URL is read as base64, with its type", async () => {
    const data = base64("abc");
    const body = chat({ data: `data:audio/ogg;base64,${data}` });
    await stage.ask({ client: "openai-chat", upstream: "gemini", body });
    expect(stage.bodies()[0].contents[0].parts[0]).toEqual({ inlineData: { mimeType: "audio/ogg", data } });
  });

  test("sound whose format nobody knows is refused by its place, with what to write", async () => {
    const body = chat({ data: base64("abc") });
    const answer = await stage.ask({ client: "openai-chat", upstream: "gemini", body });
    expect(answer.status).toBe(400);
    expect(answer.text).toContain("messages[0].content[0].input_audio.format");
  });

  describe("a picture in a turn of the assistant", () => {
    const url = "data:image/png;base64,iVBORw0KGgo=";
    const image = { type: "image_url", image_url: { url } };

    test("reported: of a Chat client in content, it is taken as it is in images", async () => {
      const turns = [
        { content: [{ type: "text", text: "Here." }, image] },
        { content: "Here.", images: [image] },
      ];
      const sent: Frame[] = [];
      for (const turn of turns) {
        const messages = [
          { role: "user", content: "draw" },
          { role: "assistant", ...turn },
          { role: "user", content: "and?" },
        ];
        const answer = await stage.ask({ client: "openai-chat", upstream: "gemini", body: { messages } });
        expect(answer.status).toBe(200);
        sent.push(stage.bodies()[0].contents);
      }
      expect(sent[0]).toEqual(sent[1]);
      expect(JSON.stringify(sent[0])).toContain("iVBORw0KGgo=");
    });

    test("reported: of a Messages client, the refusal says what to do, and names no provider that refuses it too", async () => {
      const source = { type: "base64", media_type: "image/png", data: "iVBORw0KGgo=" };
      const messages = [
        { role: "user", content: "draw" },
        { role: "assistant", content: [{ type: "image", source }] },
        { role: "user", content: "and?" },
      ];
      const answer = await stage.ask({
        client: "anthropic-messages",
        upstream: "gemini",
        body: { messages },
      });
      expect(answer.status).toBe(400);
      expect(answer.text).toContain("send it in a message of the user");
      expect(answer.text).not.toContain("a model of Anthropic");
    });
  });

  describe("pictures and files without a type", () => {
    const PNG = base64("\x89PNG\r\n\x1a\n\0\0\0\rIHDR");
    const PDF = base64("%PDF-1.7\n");

    test("a Chat client's data: URL without a useful type", async () => {
      const url = `data:application/octet-stream;base64,${PNG}`;
      const body = { messages: [{ role: "user", content: [{ type: "image_url", image_url: { url } }] }] };
      await stage.ask({ client: "openai-chat", upstream: "gemini", body });
      expect(stage.bodies()[0].contents[0].parts[0].inlineData.mimeType).toBe("image/png");
    });

    test("a Gemini client's inlineData without mimeType", async () => {
      const body = { contents: [{ role: "user", parts: [{ inlineData: { data: PNG } }, { text: "?" }] }] };
      await stage.ask({ client: "gemini", upstream: "anthropic-messages", body });
      const [image] = stage.bodies()[0].messages[0].content as Frame[];
      expect(image.source).toMatchObject({ type: "base64", media_type: "image/png" });
    });

    test("a file whose name says nothing", async () => {
      const file = { filename: "scan", file_data: PDF };
      const body = { messages: [{ role: "user", content: [{ type: "file", file }] }] };
      await stage.ask({ client: "openai-chat", upstream: "gemini", body });
      expect(stage.bodies()[0].contents[0].parts[0].inlineData.mimeType).toBe("application/pdf");
    });
  });
});
