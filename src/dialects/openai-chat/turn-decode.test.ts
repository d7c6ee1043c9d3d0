import { describe, expect, test } from "bun:test";
import { wrapSeal } from "../../neutral/seal.ts";
import { call, decode, faultOf, HI, messagesOf, whole } from "./fixtures/client-under-test.ts";

describe("messages", () => {
  test("instructions in front stay apart; those between the turns stay where they are", () => {
    const request = decode({
      messages: [
        { role: "system", content: "A" },
        {
          role: "developer",
          content: [
            { type: "text", text: "B" },
            { type: "text", text: "C", prompt_cache_breakpoint: { mode: "explicit", ttl: "12h" } },
          ],
        },
        HI,
        { role: "system", content: "D" },
      ],
    });
    expect(request.system).toEqual([
      { type: "text", text: "A" },
      { type: "text", text: "B" },
      { type: "text", text: "C", cache: { ttl: "12h" } },
    ]);
    expect(request.messages).toEqual([
      { role: "user", parts: [{ type: "text", text: "Hi" }] },
      { role: "system", parts: [{ type: "text", text: "D" }] },
    ]);
  });

  test("H-75 an assistant's content of null or nothing beside calls is no text", () => {
    for (const content of [null, "", undefined, [{ type: "text", text: "" }]])
      expect(
        messagesOf(HI, { role: "assistant", content, tool_calls: [call("a", "f", "{}")] })[1]?.parts,
      ).toEqual([{ type: "tool-call", id: "a", namespace: null, name: "f", kind: "function", input: "{}" }]);
  });

  test("H-76 refusals of the history, as a part and as a member", () => {
    const content = [{ type: "refusal", refusal: "No." }];
    expect(messagesOf(HI, { role: "assistant", content })[1]?.parts).toEqual([
      { type: "refusal", text: "No." },
    ]);
    expect(messagesOf(HI, { role: "assistant", content: null, refusal: "No." })[1]?.parts).toEqual([
      { type: "refusal", text: "No." },
    ]);
  });

  test("H-95 thinking that the client sends back is for the servers that gave it, and not named", () => {
    const answer = {
      role: "assistant",
      content: "x",
      reasoning_content: "Hm",
      reasoning: "Hm",
      annotations: [],
    };
    const { request, dropped } = whole({ messages: [HI, answer, HI] });
    const data = '{"texts":["reasoning_content","reasoning"],"state":{}}';
    const seal = { maker: "openai-compatible", place: "reasoning", data } as const;
    expect(request.messages[1]?.parts).toEqual([
      { type: "reasoning", text: "Hm", seal },
      { type: "text", text: "x" },
    ]);
    expect(dropped).toEqual([]);
  });

  test("H-92 a signature on a call stays with exactly that call, ours unwrapped, Google's own as it is", () => {
    const seal = { maker: "gemini", place: "call", data: "c2ln" } as const;
    const signed = (token: string): object => ({
      ...call("a", "f", "{}"),
      extra_content: { google: { thought_signature: token } },
    });
    for (const token of [wrapSeal(seal), "c2ln"])
      expect(
        messagesOf(HI, { role: "assistant", tool_calls: [signed(token), call("b", "f", "{}")] })[1]?.parts,
      ).toEqual([
        { type: "tool-call", id: "a", namespace: null, name: "f", kind: "function", input: "{}", seal },
        { type: "tool-call", id: "b", namespace: null, name: "f", kind: "function", input: "{}" },
      ]);
  });

  test("H-88 a result is text, whatever is in it", () => {
    const content = '{"error":"x"}';
    const result = messagesOf(HI, { role: "tool", tool_call_id: "a", content })[1];
    expect(result?.parts).toMatchObject([
      { type: "tool-result", callId: "a", content: [{ type: "text", text: content }], isError: false },
    ]);
  });

  test("H-101 images: of a data: URL in any spelling, of the web, and of what is no image", () => {
    const sourceOf = (url: string) => {
      const [message] = messagesOf({
        role: "user",
        content: [{ type: "image_url", image_url: { url, detail: "low" } }],
      });
      return message?.parts[0];
    };
    expect(sourceOf("DATA:image/JPG;charset=x;base64,_-8")).toEqual({
      type: "image",
      source: { kind: "base64", mimeType: "image/jpeg", data: "/+8=" },
      detail: "low",
      at: "messages[0].content[0]",
    });
    expect(sourceOf("https://x/y.png")).toMatchObject({ source: { kind: "url", url: "https://x/y.png" } });
    for (const url of ["data:application/zip;base64,aGk=", "ftp://x", "data:image/png;base64,%%"])
      expect(() => sourceOf(url)).toThrow("messages[0].content[0].image_url.url");
  });

  test("H-102 files: a PDF with its name, a text as text, and one that OpenAI holds", () => {
    const partOf = (file: object) =>
      messagesOf({ role: "user", content: [{ type: "file", file }] })[0]?.parts[0];
    const at = "messages[0].content[0]";
    expect(partOf({ file_data: "data:application/pdf;base64,aGk=", filename: "a.pdf" })).toEqual({
      type: "document",
      title: "a.pdf",
      source: { kind: "base64", mimeType: "application/pdf", data: "aGk=" },
      at,
    });
    expect(partOf({ file_data: "data:text/plain;base64,w6Q=", filename: "a.txt" })).toEqual({
      type: "document",
      title: "a.txt",
      source: { kind: "text", text: "ä" },
      at,
    });
    expect(partOf({ file_id: "file-1" })).toMatchObject({
      source: { kind: "provider-file", id: "file-1", maker: "openai" },
    });
    expect(() => partOf({})).toThrow("file_data");
  });

  test("H-104 sound", () => {
    const audio = { data: "aGk=", format: "mp3" };
    expect(
      messagesOf({ role: "user", content: [{ type: "input_audio", input_audio: audio }] })[0]?.parts,
    ).toEqual([
      {
        type: "audio",
        source: { kind: "base64", mimeType: "audio/mpeg", data: "aGk=" },
        at: "messages[0].content[0]",
      },
    ]);
  });

  test("H-77 an assistant's message says where it stood", () => {
    const last = messagesOf(HI, { role: "assistant", content: "Well," }).at(-1);
    expect(last).toMatchObject({ role: "assistant", at: "messages[1]" });
  });

  test("names of participants, and calls of custom tools", () => {
    const custom = { id: "a", type: "custom", custom: { name: "exec", input: "ls" } };
    expect(
      messagesOf({ ...HI, name: "Ann" }, { role: "assistant", name: "Bot", tool_calls: [custom] }),
    ).toEqual([
      { role: "user", parts: [{ type: "text", text: "Hi" }], name: "Ann" },
      {
        role: "assistant",
        parts: [{ type: "tool-call", id: "a", namespace: null, name: "exec", kind: "custom", input: "ls" }],
        name: "Bot",
        at: "messages[1]",
      },
    ]);
  });

  test("sound of a former answer, which only OpenAI holds, is refused", () => {
    expect(faultOf({ messages: [HI, { role: "assistant", audio: { id: "audio_1" } }, HI] })).toMatchObject({
      kind: "not_translatable",
      param: "messages[1].audio",
    });
  });
});
