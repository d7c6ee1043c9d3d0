import { describe, expect, test } from "bun:test";
import type { Message, UserPart } from "../../neutral/message.ts";
import type { EncodeRequestOptions } from "../codec.ts";
import { COMPATIBLE, type Json, OPENAI } from "./fixtures/codec-under-test.ts";
import {
  assistant,
  bodyOf,
  call,
  droppedOf,
  faultOf,
  image,
  messagesOf,
  NO_THINKING,
  result,
  system,
  text,
  user,
  withThinking,
  withTraits,
} from "./fixtures/request-under-test.ts";

describe("instructions", () => {
  test("one message each, of the role that the model knows", () => {
    const request = { system: [text("A"), text("B")] };
    const leading = (options: EncodeRequestOptions) => bodyOf(request, options).messages.slice(0, -1);
    expect(leading(OPENAI)).toEqual([
      { role: "developer", content: "A" },
      { role: "developer", content: "B" },
    ]);
    expect(leading(withThinking(NO_THINKING))[0].role).toBe("system");
    expect(leading(COMPATIBLE)[0].role).toBe("system");
  });

  test("between the turns they stay in place", () => {
    expect(messagesOf([user("a"), system("S"), assistant(text("b")), user("c")], COMPATIBLE)).toEqual([
      { role: "user", content: "a" },
      { role: "system", content: "S" },
      { role: "assistant", content: "b" },
      { role: "user", content: "c" },
    ]);
  });

  test("H-70 where a template wants them first and once: one message, and those between as text of the user", () => {
    const repairs = { ...COMPATIBLE.repairs, systemFirst: true };
    const request = { system: [text("A"), text("B")], messages: [user("a"), system("S"), user("c")] };
    for (const options of [{ ...COMPATIBLE, repairs }, withTraits({ midSystem: false }, COMPATIBLE)]) {
      const { messages } = bodyOf(request, options);
      expect(messages).toEqual([
        { role: "system", content: "A\n\nB" },
        { role: "user", content: "a\n<system-reminder>\nS\n</system-reminder>\nc" },
      ]);
      expect(droppedOf(request, options)).toEqual(["messages"]);
    }
  });
});

describe("turns", () => {
  test("H-79 a text and calls in turns of their own become one message", () => {
    const messages = [
      user("a"),
      assistant(text("b")),
      assistant(call("x", '{"p":1}')),
      user(result("x", "r")),
    ];
    expect(messagesOf(messages)).toEqual([
      { role: "user", content: "a" },
      {
        role: "assistant",
        content: "b",
        tool_calls: [{ id: "x", type: "function", function: { name: "f", arguments: '{"p":1}' } }],
      },
      { role: "tool", tool_call_id: "x", content: "r" },
    ]);
  });

  test("H-73, H-74, H-89 results follow their calls in the order of the calls, each in a message", () => {
    const messages = [
      user("a"),
      assistant(call("x"), call("y")),
      user(result("y", "2")),
      user("between"),
      user(result("x", "1")),
    ];
    expect(messagesOf(messages).slice(2)).toEqual([
      { role: "tool", tool_call_id: "x", content: "1" },
      { role: "tool", tool_call_id: "y", content: "2" },
      { role: "user", content: "between" },
    ]);
  });

  test("H-80, H-90 a result whose call is not there is refused", () => {
    expect(faultOf({ messages: [user("a"), user(result("x", "r"))] }).kind).toBe("bad_request");
  });

  test("H-75 calls without a text: null", () => {
    expect(messagesOf([user("a"), assistant(call("x")), user(result("x", "r"))])[1].content).toBeNull();
  });

  test("H-48 no arguments are {}", () => {
    const messages = [user("a"), assistant(call("x", "")), user(result("x", "r"))];
    expect(messagesOf(messages)[1].tool_calls[0].function.arguments).toBe("{}");
  });

  test("H-99 images of results: a note in their place, and the images in one message behind the last result", () => {
    const messages = [
      user("a"),
      assistant(call("x"), call("y")),
      user(result("x", "see", image("QQ==")), result("y", image("Qg=="))),
      user("thanks"),
    ];
    const url = (data: string) => ({
      type: "image_url",
      image_url: { url: `data:image/png;base64,${data}` },
    });
    expect(messagesOf(messages, COMPATIBLE).slice(2)).toEqual([
      { role: "tool", tool_call_id: "x", content: "see\n[The image is in the next message of the user.]" },
      { role: "tool", tool_call_id: "y", content: "[The image is in the next message of the user.]" },
      {
        role: "user",
        content: [
          { type: "text", text: "Of the result of the tool call x:" },
          url("QQ=="),
          { type: "text", text: "Of the result of the tool call y:" },
          url("Qg=="),
        ],
      },
      { role: "user", content: "thanks" },
    ]);
  });

  test("a result that is an error says so", () => {
    const failed = { ...result("x", "no such file"), isError: true } as UserPart;
    expect(messagesOf([user("a"), assistant(call("x")), user(failed)])[2].content).toBe(
      "Error: no such file",
    );
  });

  test("ids that are too long are shortened alike in the call and the result", () => {
    const id = `toolu_${"x".repeat(60)}`;
    const [, asked, answered] = messagesOf([user("a"), assistant(call(id)), user(result(id, "r"))]);
    expect(asked.tool_calls[0].id.length).toBeLessThanOrEqual(40);
    expect(answered.tool_call_id).toBe(asked.tool_calls[0].id);
  });

  test("H-76 refusals: a member for OpenAI, text for others", () => {
    const messages = [user("a"), assistant({ type: "refusal", text: "No." }), user("b")];
    expect(messagesOf(messages)[1]).toEqual({ role: "assistant", content: null, refusal: "No." });
    expect(messagesOf(messages, COMPATIBLE)[1]).toEqual({ role: "assistant", content: "No." });
  });

  test("H-96 thinking goes back to the server that gave it, with its calls; to nobody else", () => {
    const mark = { maker: "openai-compatible", place: "reasoning", data: "reasoning_content" } as const;
    const turns = (
      seal: typeof mark | { maker: string; place: "reasoning"; data: string } | null,
    ): Message[] => [
      user("a"),
      assistant({ type: "reasoning", text: "Hm", seal }, call("x")),
      user(result("x", "r")),
    ];
    expect(messagesOf(turns(mark), COMPATIBLE)[1].reasoning_content).toBe("Hm");
    expect(messagesOf(turns(mark))[1]).not.toHaveProperty("reasoning_content");
    for (const seal of [null, { maker: "anthropic", place: "reasoning", data: "s" } as const])
      expect(messagesOf(turns(seal), COMPATIBLE)[1]).not.toHaveProperty("reasoning_content");
    const withoutCalls = [
      user("a"),
      assistant({ type: "reasoning", text: "Hm", seal: mark }, text("b")),
      user("c"),
    ];
    expect(messagesOf(withoutCalls, COMPATIBLE)[1]).toEqual({ role: "assistant", content: "b" });
  });

  test("H-91, H-92 Gemini behind this dialect: its signature on its call, the documented dummy where there is none and the server is of Google's", () => {
    const options = withTraits({ sealedCalls: true }, COMPATIBLE);
    const seal = { maker: "gemini", place: "call", data: "c2ln" } as const;
    const messages = [
      user("a"),
      assistant(call("x", "{}", { seal }), call("y")),
      user(result("x", "1"), result("y", "2")),
      assistant(call("z"), call("w")),
      user(result("z", "3"), result("w", "4")),
    ];
    const signatures = (reasoningMembers: readonly string[] | null): unknown =>
      messagesOf(messages, { ...options, profile: { ...options.profile, reasoningMembers } })
        .flatMap((message) => message.tool_calls ?? [])
        .map((each: Json) => each.extra_content?.google.thought_signature ?? null);
    expect(signatures(["extra_content"])).toEqual(["c2ln", null, "skip_thought_signature_validator", null]);
    expect(signatures(null)).toEqual(["c2ln", null, null, null]);
    expect(signatures(["reasoning"])).toEqual([null, null, null, null]);
    expect(JSON.stringify(messagesOf(messages, COMPATIBLE))).not.toContain("extra_content");
  });

  test("the beginning of an answer is named where the server does not go on with it", () => {
    const messages = [user("a"), assistant(text("{"))];
    expect(droppedOf({ messages })).toEqual([]);
    expect(droppedOf({ messages }, withTraits({ prefill: false }))).toEqual(["messages"]);
  });

  test("parts of text: kept for OpenAI, one text for others", () => {
    expect(messagesOf([user("a", "b")])[0].content).toEqual([text("a"), text("b")]);
    expect(messagesOf([user("a", "b")], COMPATIBLE)[0].content).toBe("a\nb");
  });

  test("cache marks stand where the model counts them", () => {
    const parts = [{ ...text("a"), cache: { ttl: "1h" } } as const];
    const options = withTraits({ cacheBreakpoints: true });
    expect(messagesOf([{ role: "user", parts }], options)[0].content).toEqual([
      { type: "text", text: "a", prompt_cache_breakpoint: { mode: "explicit" } },
    ]);
    expect(messagesOf([{ role: "user", parts }])[0].content).toBe("a");
    const marked = { ...result("c", "r"), cache: { ttl: null } } as const;
    expect(messagesOf([assistant(call("c")), user(marked)], options)[1]).toMatchObject({
      role: "tool",
      content: [{ type: "text", text: "r", prompt_cache_breakpoint: { mode: "explicit" } }],
    });
  });

  test("H-98 a turn of which only another provider's thinking is left, is left out", () => {
    const seal = { maker: "openai", place: "reasoning", data: "E" } as const;
    const thought = { type: "reasoning", text: "hm", seal } as const;
    expect(messagesOf([user("a"), assistant(thought), user("b")])).toEqual([
      { role: "user", content: "a" },
      { role: "user", content: "b" },
    ]);
  });

  test("what an assistant's message has no place for is named", () => {
    const raw = { maker: "anthropic", place: "raw", data: "{}" } as const;
    const block = {
      type: "opaque",
      name: "code_execution_tool_result",
      raw,
      at: "messages[1].content[0]",
    } as const;
    const messages = [user("a"), assistant(block, image(), text("b")), user("c")];
    expect(messagesOf(messages)[1]).toEqual({ role: "assistant", content: "b" });
    expect(droppedOf({ messages })).toEqual([block.at, image().at]);
  });
});

describe("media", () => {
  const contentOf = (part: UserPart, options?: EncodeRequestOptions): Json[] =>
    messagesOf([user(part)], options)[0].content;
  const at = "messages[0].content[0]";
  const pdf = { kind: "base64", mimeType: "application/pdf", data: "aGk=" } as const;

  test("a PDF with its name", () => {
    expect(contentOf({ type: "document", source: pdf, title: null, at })).toEqual([
      { type: "file", file: { filename: "document.pdf", file_data: "data:application/pdf;base64,aGk=" } },
    ]);
  });

  test("H-103 a document of text is text; that it cannot be cited is named", () => {
    const source = { kind: "text", text: "Long." } as const;
    const messages = [user({ type: "document", source, title: "T", citations: true, at })];
    expect(messagesOf(messages)[0].content).toBe("T\n\nLong.");
    expect(droppedOf({ messages })).toEqual([at]);
  });

  test("H-104 sound in the two forms that there are", () => {
    const source = { kind: "base64", mimeType: "audio/wav", data: "aGk=" } as const;
    expect(contentOf({ type: "audio", source, at })).toEqual([
      { type: "input_audio", input_audio: { data: "aGk=", format: "wav" } },
    ]);
  });

  const deaf = withTraits({ input: { image: false, pdf: false, audio: false, video: false } });
  test.each<[string, UserPart, EncodeRequestOptions]>([
    ["an image for the blind", { ...image(), at }, deaf],
    ["a PDF for those who cannot read it", { type: "document", source: pdf, title: null, at }, deaf],
    ["sound for the deaf", { type: "audio", source: { ...pdf, mimeType: "audio/wav" }, at }, deaf],
    [
      "H-101 an image of a type unknown to OpenAI",
      { ...image(), source: { ...pdf, mimeType: "image/heic" }, at },
      OPENAI,
    ],
    [
      "a file of another provider",
      { type: "document", source: { kind: "provider-file", id: "f", maker: "anthropic" }, title: null, at },
      OPENAI,
    ],
    [
      "a document by URL",
      { type: "document", source: { kind: "url", url: "https://x", mimeType: null }, title: null, at },
      OPENAI,
    ],
    ["a video", { type: "video", source: { kind: "url", url: "https://x", mimeType: null }, at }, OPENAI],
  ])("%s is refused by its place", (_what, part, options) => {
    expect(faultOf({ messages: [user(part)] }, options)).toMatchObject({
      kind: "not_translatable",
      param: at,
    });
  });
});
