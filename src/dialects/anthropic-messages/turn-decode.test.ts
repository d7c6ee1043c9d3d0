import { describe, expect, test } from "bun:test";
import type { JsonObject } from "../../core/json.ts";
import { wrapSeal } from "../../neutral/seal.ts";
import { anthropicMessagesCodec as codec } from "./codec.ts";
import { assistant, refusalOf, result, text, tool, use, user } from "./fixtures/body-under-test.ts";
import { decodeBody } from "./fixtures/codec-under-test.ts";

describe("content", () => {
  test("H-99 results of tools, with images and errors", () => {
    const source = { type: "base64", media_type: "image/PNG", data: "AAAA" };
    const { request } = decodeBody({
      messages: [
        user(text("a")),
        assistant(use("t1", { x: 1 }), use("t2")),
        user(
          result("t1", { content: [text("ok"), { type: "image", source }] }),
          result("t2", { content: "no", is_error: true, cache_control: { type: "ephemeral" } }),
          text("go"),
        ),
      ],
    });
    expect(request.messages[1]?.parts).toMatchObject([
      { type: "tool-call", id: "t1", input: '{"x":1}' },
      { input: "{}" },
    ]);
    expect(request.messages[2]?.parts).toEqual([
      {
        type: "tool-result",
        callId: "t1",
        name: null,
        content: [
          { type: "text", text: "ok" },
          {
            type: "image",
            source: { kind: "base64", mimeType: "image/png", data: "AAAA" },
            at: "messages[2].content[0].content[1]",
          },
        ],
        isError: false,
        at: "messages[2].content[0]",
      },
      {
        type: "tool-result",
        callId: "t2",
        name: null,
        content: [{ type: "text", text: "no" }],
        isError: true,
        cache: { ttl: null },
        at: "messages[2].content[1]",
      },
      { type: "text", text: "go" },
    ]);
  });

  test("H-103 documents of every source", () => {
    const document = (source: object, more: object = {}) => ({ type: "document", source, ...more });
    const { request } = decodeBody({
      messages: [
        user(
          document(
            { type: "base64", media_type: "application/pdf", data: "AAAA" },
            { title: "T", context: "C", citations: { enabled: true } },
          ),
          document({ type: "text", media_type: "text/plain", data: "words" }),
          document({ type: "content", content: [text("x")] }),
          document({ type: "content", content: "y" }),
          document({ type: "url", url: "https://a.example/a.pdf" }),
          document({ type: "file", file_id: "file_1" }),
        ),
      ],
    });
    expect(request.messages[0]?.parts.map((part) => part.type === "document" && part.source)).toEqual([
      { kind: "base64", mimeType: "application/pdf", data: "AAAA" },
      { kind: "text", text: "words" },
      { kind: "parts", parts: [{ type: "text", text: "x" }] },
      { kind: "parts", parts: [{ type: "text", text: "y" }] },
      { kind: "url", url: "https://a.example/a.pdf", mimeType: "application/pdf" },
      { kind: "provider-file", id: "file_1", maker: "anthropic" },
    ]);
    expect(request.messages[0]?.parts[0]).toMatchObject({ title: "T", context: "C", citations: true });
  });

  test("search results are told as text, and named", () => {
    const block = {
      type: "search_result",
      source: "https://a.example/",
      title: "A",
      content: [text("x"), text("y")],
      citations: { enabled: true },
    };
    const { request, dropped } = decodeBody({ messages: [user(block)] });
    expect(request.messages[0]?.parts).toEqual([
      { type: "text", text: "Source: https://a.example/\nTitle: A\nx\ny" },
    ]);
    expect(dropped).toMatchObject([{ field: "messages[0].content[0]" }]);
  });

  test("H-141 the provider's searches are parts, its other blocks stay raw, a fallback says nothing", () => {
    const search = [
      { type: "server_tool_use", id: "srvtoolu_1", name: "web_search", input: { query: "q" } },
      {
        type: "web_search_tool_result",
        tool_use_id: "srvtoolu_1",
        content: [
          { type: "web_search_result", url: "https://a.example/", title: "A", encrypted_content: "E" },
        ],
      },
    ];
    const code = { type: "code_execution_tool_result", tool_use_id: "x", content: {} };
    const { request } = decodeBody({
      messages: [
        user(text("a")),
        assistant(
          ...search,
          code,
          { type: "fallback" },
          text("b", {
            citations: [
              {
                type: "web_search_result_location",
                url: "https://a.example/",
                cited_text: "c",
                encrypted_index: "i",
              },
            ],
          }),
        ),
      ],
    });
    expect(request.messages[1]?.parts).toMatchObject([
      {
        type: "search",
        queries: ["q"],
        raw: { maker: "anthropic", place: "raw", data: JSON.stringify(search) },
      },
      { type: "opaque", name: "code_execution_tool_result", at: "messages[1].content[2]" },
      { type: "text", text: "b", annotations: [{ kind: "url", url: "https://a.example/" }] },
    ]);
  });

  test("state of a text is that of the text right before it, or of nothing that was said", () => {
    const sealed = (data: string) => ({
      type: "thinking",
      thinking: "",
      signature: wrapSeal({ maker: "gemini", place: "text", data }),
    });
    const { request } = decodeBody({
      messages: [
        user(text("q")),
        assistant(text("a"), sealed("A"), use("t"), sealed("B")),
        user(result("t")),
      ],
    });
    expect(request.messages[1]?.parts).toMatchObject([
      { type: "text", text: "a", seal: { data: "A" } },
      { type: "tool-call", id: "t" },
      { type: "reasoning", text: "", seal: { maker: "gemini", place: "text", data: "B" } },
    ]);
  });

  test("H-145 keys of the prototype are data", () => {
    const body = JSON.parse(
      '{"model":"m","max_tokens":9,"tools":[{"name":"f","input_schema":{"type":"object","properties":{"__proto__":{"type":"string"}}}}],"messages":[{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":{"__proto__":{"x":1}}}]}]}',
    );
    const { request } = codec.decodeRequest(body, { model: "", stream: false });
    expect(request.messages[1]?.parts).toMatchObject([{ input: '{"__proto__":{"x":1}}' }]);
    expect(JSON.stringify(request.tools[0])).toContain('"__proto__":{"type":"string"}');
    expect(({} as { x?: number }).x).toBeUndefined();
  });

  test("H-144 2,000 tools are read, and nesting without end is a 400", () => {
    const tools = Array.from({ length: 2000 }, (_, index) =>
      tool(`t${index}`, { description: "d".repeat(500) }),
    );
    expect(decodeBody({ tools }).request.tools).toHaveLength(2000);
    let schema: JsonObject = { type: "object" };
    for (let depth = 0; depth < 490; depth++) schema = { type: "object", properties: schema };
    expect(decodeBody({ tools: [tool("f", { input_schema: schema })] }).request.tools).toHaveLength(1);
    for (let depth = 0; depth < 30; depth++) schema = { type: "object", properties: schema };
    expect(refusalOf({ tools: [tool("f", { input_schema: schema })] }).kind).toBe("bad_request");
  });
});
