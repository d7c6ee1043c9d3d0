import { describe, expect, test } from "bun:test";
import type { AssistantPart, Message, UserPart } from "../../neutral/message.ts";
import { encodeRequest, REQUEST_OPTIONS } from "./fixtures/codec-under-test.ts";
import type { Block } from "./fixtures/request-under-test.ts";
import {
  assistant,
  call,
  encodeAccepted,
  errorOf,
  manual,
  reasoning,
  result,
  rolesOf,
  system,
  text,
  tool,
  user,
} from "./fixtures/request-under-test.ts";

describe("conversation", () => {
  test("H-73, H-75 results of one turn's calls stand in the order of the calls, text behind them", () => {
    const { body } = encodeAccepted({
      messages: [
        user("a"),
        assistant("", call("c1"), call("c2")),
        user(result("c2", "two")),
        user(result("c1", "one")),
        user("go"),
      ],
    });
    expect(rolesOf(body)).toEqual([
      "user: text",
      "assistant: tool_use tool_use",
      "user: tool_result tool_result text",
    ]);
    expect(body.messages[2].content.map(({ tool_use_id }: Block) => tool_use_id)).toEqual([
      "c1",
      "c2",
      undefined,
    ]);
  });

  test("H-74 results that come later are moved up to their calls, and that is named", () => {
    const { body, fields } = encodeAccepted({
      messages: [
        user("a"),
        assistant(call("c1"), call("c2")),
        user(result("c1")),
        user("and?"),
        user(result("c2")),
      ],
    });
    expect(rolesOf(body).at(-1)).toBe("user: tool_result tool_result text");
    expect(fields).not.toEqual([]);
  });

  test("H-72 instructions stand where they may, elsewhere in the user's turn", () => {
    const messages = [system("x"), user("a"), assistant("b"), system("y"), user("c"), system("z")];
    const { body, fields } = encodeAccepted({ messages });
    expect(rolesOf(body)).toEqual(["user: text text", "assistant: text", "user: text text", "system: text"]);
    expect(fields).toEqual(["messages"]);
  });

  test("H-69, H-71 a model without instructions between the turns gets them in a tag of the user's turn, behind results", () => {
    const messages = [user("a"), assistant(call("c1")), user(result("c1")), system("Mind.")];
    const { body, fields } = encodeAccepted({ messages, tools: [tool("f")] }, manual);
    expect(rolesOf(body).at(-1)).toBe("user: tool_result text");
    expect(body.messages[2].content[1].text).toBe("<system-reminder>\nMind.\n</system-reminder>");
    expect(fields).toEqual(["messages"]);
    expect(rolesOf(encodeAccepted({ messages, tools: [tool("f")] }).body).at(-1)).toBe("system: text");
  });

  test("instructions are blocks of their own, blank ones are left out", () => {
    expect(encodeAccepted({ system: [text("a"), text(" \n"), text("b")] }).body.system).toEqual([
      { type: "text", text: "a" },
      { type: "text", text: "b" },
    ]);
  });

  test("H-76 words of a refusal are text", () => {
    const { body } = encodeAccepted({
      messages: [user("a"), assistant({ type: "refusal", text: "No." }), user("b")],
    });
    expect(body.messages[1].content).toEqual([{ type: "text", text: "No." }]);
  });

  test("H-77 an answer that has been begun is refused by name where the model cannot go on with it", () => {
    const begun: Message = { role: "assistant", parts: [text("Once ")], at: "messages[1]" };
    expect(errorOf({ messages: [user("a"), begun] })).toMatchObject({
      kind: "not_translatable",
      param: "messages[1]",
    });
    const { body } = encodeAccepted(
      { messages: [user("a"), begun], reasoning: reasoning({ effort: "high" }) },
      manual,
    );
    expect(body.messages[1].content).toEqual([{ type: "text", text: "Once" }]);
    expect(body).not.toHaveProperty("thinking");
  });

  test("a conversation of nothing is a 400", () => {
    expect(errorOf({ messages: [user(" ")] })).toMatchObject({ status: 400, param: "messages" });
  });

  test("H-78, H-92 thinking that was signed here goes back to the byte, before its call", () => {
    const seal = (data: string) => ({ maker: "anthropic", place: "reasoning" as const, data });
    const { body } = encodeRequest({
      messages: [
        user("a"),
        assistant(
          { type: "reasoning", text: " hm\n", seal: seal("S1") },
          call("c1"),
          { type: "reasoning", text: "", seal: { maker: "anthropic", place: "redacted", data: "R" } },
          call("c2"),
        ),
        user(result("c1"), result("c2")),
      ],
    });
    expect((body.messages as { content: Block[] }[])[1]?.content).toMatchObject([
      { type: "thinking", thinking: " hm\n", signature: "S1" },
      { type: "tool_use", id: "c1" },
      { type: "redacted_thinking", data: "R" },
      { type: "tool_use", id: "c2" },
    ]);
  });

  test("H-91, H-94, H-95 thinking of others, or of nobody, is left out without a word; so is all when a seal was refused", () => {
    const foreign = { maker: "openai", place: "reasoning" as const, data: "x" };
    const messages = [
      user("a"),
      assistant(
        { type: "reasoning", text: "hm", seal: foreign },
        { type: "reasoning", text: "x", seal: null },
        call("c1", "{}", { seal: { ...foreign, place: "call" } }),
      ),
      user(result("c1")),
    ];
    const { body, dropped } = encodeAccepted({ messages });
    expect(rolesOf(body)).toEqual(["user: text", "assistant: tool_use", "user: tool_result"]);
    expect(dropped).toEqual([]);
    const own = assistant({ type: "reasoning", text: "hm", seal: { ...foreign, maker: "anthropic" } }, "b");
    const repairs = { ...REQUEST_OPTIONS.repairs, withoutSeals: true };
    expect(rolesOf(encodeAccepted({ messages: [user("a"), own, user("c")] }, { repairs }).body)[1]).toBe(
      "assistant: text",
    );
  });

  test("a turn of nothing but another's thinking leaves no empty turn, and instructions still stand where they may", () => {
    const messages = [
      user("a"),
      assistant({ type: "reasoning", text: "hm", seal: null }),
      user("b"),
      system("s"),
      assistant({ type: "reasoning", text: "x", seal: null }),
      user("c"),
    ];
    expect(rolesOf(encodeAccepted({ messages }).body)).toEqual(["user: text text text text"]);
  });

  test("H-138 the provider's own blocks go back as they were", () => {
    const blocks = [
      { type: "server_tool_use", id: "srvtoolu_1", name: "web_search", input: { query: "q" } },
      { type: "web_search_tool_result", tool_use_id: "srvtoolu_1", content: [] },
    ];
    const search: AssistantPart = {
      type: "search",
      id: "srvtoolu_1",
      queries: [],
      sources: [],
      raw: { maker: "anthropic", place: "raw", data: JSON.stringify(blocks) },
    };
    const { body } = encodeAccepted({ messages: [user("a"), assistant(search, "b"), user("c")] });
    expect(body.messages[1].content.slice(0, 2)).toEqual(blocks);
    expect(
      rolesOf(
        encodeAccepted({ messages: [user("a"), assistant({ ...search, raw: null }, "b"), user("c")] }).body,
      )[1],
    ).toBe("assistant: text");
  });

  test("ids that are not legal are changed alike in call and result", () => {
    const { body } = encodeAccepted({
      messages: [user("a"), assistant(call("fc:1 ü")), user(result("fc:1 ü"))],
    });
    expect(body.messages[1].content[0].id).toMatch(/^toolu_[\w-]+$/);
    expect(body.messages[2].content[0].tool_use_id).toBe(body.messages[1].content[0].id);
  });

  test("arguments that are no object are sent under a name of their own, and that is named", () => {
    const { body, fields } = encodeAccepted({
      messages: [user("a"), assistant(call("c1", "[1"), call("c2", "")), user(result("c1"), result("c2"))],
    });
    expect(body.messages[1].content.map(({ input }: Block) => input)).toEqual([{ _raw: "[1" }, {}]);
    expect(fields).toEqual(["messages"]);
  });

  test("H-86, H-143 two calls of one id are told apart, each with its result", () => {
    const { body } = encodeAccepted({
      messages: [user("a"), assistant(call("c"), call("c")), user(result("c", "1"), result("c", "2"))],
    });
    const ids = body.messages[1].content.map(({ id }: Block) => id);
    expect(new Set(ids).size).toBe(2);
    expect(body.messages[2].content.map(({ tool_use_id, content }: Block) => [tool_use_id, content])).toEqual(
      [
        [ids[0], "1"],
        [ids[1], "2"],
      ],
    );
  });

  test("H-87 results of tools: errors are marked, nothing is nothing", () => {
    const { body } = encodeAccepted({
      messages: [
        user("a"),
        assistant(call("c1"), call("c2")),
        user(result("c1", "bad", { isError: true }), result("c2", "", { content: [] })),
      ],
    });
    expect(body.messages[2].content).toEqual([
      { type: "tool_result", tool_use_id: "c1", content: "bad", is_error: true },
      { type: "tool_result", tool_use_id: "c2" },
    ]);
  });
});

describe("media", () => {
  const image = (mimeType: string): UserPart => ({
    type: "image",
    source: { kind: "base64", mimeType, data: "AAAA" },
    at: "here",
  });
  const document = (
    source: Extract<UserPart, { type: "document" }>["source"],
    more: object = {},
  ): UserPart => ({ type: "document", source, title: null, at: "here", ...more });
  const blockOf = (part: UserPart) => encodeAccepted({ messages: [user(part)] }).body.messages[0].content[0];

  test("H-101 images by their types, or by URL", () => {
    expect(blockOf(image("image/jpeg"))).toEqual({
      type: "image",
      source: { type: "base64", media_type: "image/jpeg", data: "AAAA" },
    });
    expect(
      blockOf({
        type: "image",
        source: { kind: "url", url: "https://a.example/i.png", mimeType: null },
        at: "",
      }),
    ).toEqual({ type: "image", source: { type: "url", url: "https://a.example/i.png" } });
    expect(errorOf({ messages: [user(image("image/heic"))] })).toMatchObject({
      kind: "not_translatable",
      param: "here",
    });
    expect(errorOf({ messages: [user(image("image/heic"))] }).message).toContain("image/heic");
  });

  test("H-99 images in results stay in them", () => {
    const content = [
      text("see"),
      { type: "image", source: { kind: "base64", mimeType: "image/png", data: "AAAA" }, at: "" },
    ];
    const { body } = encodeAccepted({
      messages: [user("a"), assistant(call("c1")), user(result("c1", "", { content }))],
    });
    expect(body.messages[2].content[0].content.map(({ type }: Block) => type)).toEqual(["text", "image"]);
  });

  test("H-102 documents: PDF with its name, text as text, others refused by name", () => {
    const pdf = { kind: "base64", mimeType: "application/pdf", data: "AAAA" } as const;
    expect(blockOf(document(pdf, { title: "a.pdf", context: "c", citations: true }))).toEqual({
      type: "document",
      source: { type: "base64", media_type: "application/pdf", data: "AAAA" },
      title: "a.pdf",
      context: "c",
      citations: { enabled: true },
    });
    expect(blockOf(document({ ...pdf, mimeType: "text/csv", data: btoa("a,b") }))).toMatchObject({
      source: { type: "text", media_type: "text/plain", data: "a,b" },
    });
    expect(blockOf(document({ kind: "parts", parts: [text("x")] }))).toMatchObject({
      source: { type: "content", content: [{ type: "text", text: "x" }] },
    });
    expect(errorOf({ messages: [user(document({ ...pdf, mimeType: "application/zip" }))] })).toMatchObject({
      kind: "not_translatable",
      param: "here",
    });
  });

  test.each(["audio", "video"] as const)("H-104 %s is refused by name", (type) => {
    const part = {
      type,
      source: { kind: "base64", mimeType: `${type}/x`, data: "AAAA" },
      at: "here",
    } as UserPart;
    expect(errorOf({ messages: [user(part)] })).toMatchObject({ kind: "not_translatable", param: "here" });
  });

  test("H-105 files of another provider are refused by name, Anthropic's own are named by their ids", () => {
    const file = (maker: string) => document({ kind: "provider-file", id: "f1", maker });
    expect(errorOf({ messages: [user(file("openai"))] })).toMatchObject({
      kind: "not_translatable",
      param: "here",
    });
    expect(blockOf(file("anthropic"))).toMatchObject({ source: { type: "file", file_id: "f1" } });
  });
});
