import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Frame, TEXT } from "../flow/translated.ts";
import { describeKind } from "./kind.ts";
import { kind } from "./kinds/foreign-forms.ts";
import { DIALECTS, startTranslationStage, type TranslationStage } from "./translation-stage.ts";

const SCHEMA = { type: "object", properties: { path: { type: "string" } }, required: ["path"] };
const ARGS = { path: "a.txt" };
const PNG = Buffer.from("\x89PNG\r\n\x1a\n", "latin1").toString("base64");
const PNG_URL = `data:image/png;base64,${PNG}`;

/** A conversation by Chat's book. Every foreign form below says the same. */
const BOOK = {
  tools: [{ type: "function", function: { name: "read", description: "Reads", parameters: SCHEMA } }],
  tool_choice: "auto",
  messages: [
    { role: "system", content: "You are an agent." },
    {
      role: "user",
      content: [
        { type: "text", text: "Read a.txt" },
        { type: "image_url", image_url: { url: PNG_URL } },
      ],
    },
    {
      role: "assistant",
      content: [{ type: "text", text: "I will." }],
      tool_calls: [
        { id: "c1", type: "function", function: { name: "read", arguments: JSON.stringify(ARGS) } },
        { id: "c2", type: "function", function: { name: "read", arguments: JSON.stringify(ARGS) } },
      ],
    },
    { role: "tool", tool_call_id: "c1", content: "one" },
    { role: "tool", tool_call_id: "c2", content: [{ type: "text", text: "two" }] },
    { role: "user", content: [{ type: "text", text: "And?" }] },
  ],
};
const [SYSTEM, ASKED, CALLED, FIRST, SECOND, AND] = BOOK.messages;
const BOOK_TURNS = { turn1: [ASKED], turn2: [CALLED, FIRST, SECOND, AND] };

/** How clients write one part of it, by the part. */
const TOOLS: Readonly<Record<string, readonly object[]>> = {
  "by the book": BOOK.tools,
  flat: [{ type: "function", name: "read", description: "Reads", parameters: SCHEMA, strict: null }],
  "bare, of Messages": [{ name: "read", description: "Reads", input_schema: SCHEMA }],
  "custom, of Messages": [{ type: "custom", name: "read", description: "Reads", input_schema: SCHEMA }],
  "of Gemini": [
    { functionDeclarations: [{ name: "read", description: "Reads", parametersJsonSchema: SCHEMA }] },
  ],
};
const CHOICES: Readonly<Record<string, unknown>> = {
  "by the book": "auto",
  "an object": { type: "auto" },
};
const FIRST_TURNS: Readonly<Record<string, readonly unknown[]>> = {
  "by the book": BOOK_TURNS.turn1,
  "parts of Responses": [
    {
      role: "user",
      content: [
        { type: "input_text", text: "Read a.txt" },
        { type: "input_image", image_url: PNG_URL },
      ],
    },
  ],
  "an item of Responses": [
    {
      type: "message",
      role: "user",
      content: [
        { type: "input_text", text: "Read a.txt" },
        { type: "input_image", image_url: PNG_URL },
      ],
    },
  ],
  "blocks of Messages": [
    {
      role: "user",
      content: [
        { type: "text", text: "Read a.txt" },
        { type: "image", source: { type: "base64", media_type: "image/png", data: PNG } },
      ],
    },
  ],
};
const LATER_TURNS: Readonly<Record<string, readonly unknown[]>> = {
  "by the book": BOOK_TURNS.turn2,
  "blocks of Messages": [
    {
      role: "assistant",
      content: [
        { type: "thinking", thinking: "hm", signature: "c2ln" },
        { type: "text", text: "I will." },
        { type: "tool_use", id: "c1", name: "read", input: ARGS },
        { type: "tool_use", id: "c2", name: "read", input: ARGS },
      ],
    },
    {
      role: "user",
      content: [
        { type: "tool_result", tool_use_id: "c1", content: "one" },
        { type: "tool_result", tool_use_id: "c2", content: [{ type: "text", text: "two" }] },
        { type: "text", text: "And?" },
      ],
    },
  ],
  "items of Responses": [
    {
      type: "message",
      id: "msg_1",
      role: "assistant",
      status: "completed",
      content: [{ type: "output_text", text: "I will.", annotations: [] }],
    },
    { type: "reasoning", id: "rs_1", summary: [], encrypted_content: "x" },
    { type: "function_call", id: "fc_1", call_id: "c1", name: "read", arguments: JSON.stringify(ARGS) },
    { type: "function_call", id: "fc_2", call_id: "c2", name: "read", arguments: JSON.stringify(ARGS) },
    { type: "function_call_output", call_id: "c1", output: "one" },
    { type: "function_call_output", call_id: "c2", output: [{ type: "input_text", text: "two" }] },
    { role: "user", content: [{ type: "input_text", text: "And?" }] },
  ],
};

/** Every combination of forms, as `messages` and as the `input` of Responses. */
const BODIES = Object.entries(TOOLS).flatMap(([toolForm, tools]) =>
  Object.entries(CHOICES).flatMap(([choiceForm, choice]) =>
    Object.entries(FIRST_TURNS).flatMap(([firstForm, first]) =>
      Object.entries(LATER_TURNS).flatMap(([laterForm, later]) =>
        ["messages", "input"].map((member) => ({
          name: `tools ${toolForm}, choice ${choiceForm}, first turn ${firstForm}, later ${laterForm}, as ${member}`,
          body: { tools, tool_choice: choice, [member]: [SYSTEM, ...first, ...later] },
          isBook:
            [toolForm, choiceForm, firstForm, laterForm].every((form) => form === "by the book") &&
            member === "messages",
        })),
      ),
    ),
  ),
);

describeKind(kind, () => {
  let stage: TranslationStage;
  beforeAll(async () => {
    stage = await startTranslationStage('[[traits]]\nmatch = "qwen3-32b"\nimage = true');
  });
  afterAll(() => stage?.close());

  const CURSOR = {
    messages: undefined,
    user: "u1",
    input: [
      { role: "system", content: "You are an agent." },
      { role: "user", content: [{ type: "input_text", text: "Read a.txt" }] },
    ],
    tools: [{ type: "function", name: "read", description: "Reads", parameters: SCHEMA, strict: false }],
    tool_choice: "auto",
    reasoning: { effort: "medium", summary: "auto" },
    text: { verbosity: "low", format: { type: "json_schema", name: "out", schema: SCHEMA } },
    max_output_tokens: 500,
    store: false,
    include: ["reasoning.encrypted_content"],
  };

  for (const isStream of [false, true]) {
    for (const upstream of DIALECTS) {
      test(`reported: Cursor's Responses body, ${isStream ? "streamed" : "whole"}, to ${upstream}, answered in Chat's form`, async () => {
        const answer = await stage.ask({ client: "openai-chat", upstream, isStream, body: CURSOR });
        expect([answer.status, answer.text]).toEqual([200, expect.any(String)]);
        expect(answer.told()).toMatchObject({ text: TEXT, isEnded: true });
        expect(answer.text).toContain(isStream ? "chat.completion.chunk" : "chat.completion");
        const [sent] = stage.bodies();
        for (const said of ["You are an agent.", "Read a.txt", '"read"'])
          expect(JSON.stringify(sent)).toContain(said);
      });
    }
  }

  test("Cursor's body reaches a Chat server by Chat's book", async () => {
    await stage.ask({ client: "openai-chat", upstream: "openai-chat", body: CURSOR });
    const { model, ...sent } = stage.bodies()[0];
    expect(sent).toEqual({
      user: "u1",
      tool_choice: "auto",
      store: false,
      reasoning_effort: "medium",
      verbosity: "low",
      response_format: { type: "json_schema", json_schema: { name: "out", schema: SCHEMA } },
      max_completion_tokens: 500,
      messages: [
        { role: "system", content: "You are an agent." },
        { role: "user", content: [{ type: "text", text: "Read a.txt" }] },
      ],
      tools: [
        {
          type: "function",
          function: { name: "read", description: "Reads", parameters: SCHEMA, strict: false },
        },
      ],
    });
    expect(model).toBe("qwen3-32b");
  });

  test(`reported: ${BODIES.length} combinations of forms reach a Chat server as the book has them`, async () => {
    for (const { name, body } of BODIES) {
      const answer = await stage.ask({
        client: "openai-chat",
        upstream: "openai-chat",
        body: { messages: undefined, ...body },
      });
      expect([name, answer.status]).toEqual([name, 200]);
      const { tools, tool_choice, messages } = stage.bodies()[0];
      expect([name, { tools, tool_choice, messages }]).toEqual([name, BOOK] as never);
    }
  });

  for (const upstream of DIALECTS.filter((one) => one !== "openai-chat")) {
    test(`the combinations reach ${upstream} like the book's own`, async () => {
      const ask = async (body: object): Promise<Frame> => {
        const answer = await stage.ask({
          client: "openai-chat",
          upstream,
          body: { messages: undefined, ...body },
        });
        expect(answer.status).toBe(200);
        return stage.bodies()[0];
      };
      const book = await ask(BOOK);
      for (const { body } of BODIES.filter((_, n) => n % 7 === 0)) expect(await ask(body)).toEqual(book);
    });
  }

  describe("choices", () => {
    for (const [given, book] of [
      [{ type: "any" }, "required"],
      [{ type: "none" }, "none"],
      [{ type: "required" }, "required"],
      [
        { type: "tool", name: "read" },
        { type: "function", function: { name: "read" } },
      ],
      [
        { type: "function", name: "read" },
        { type: "function", function: { name: "read" } },
      ],
    ] as const) {
      test(`${JSON.stringify(given)} is ${JSON.stringify(book)}`, async () => {
        const body = { tools: BOOK.tools, tool_choice: given };
        await stage.ask({ client: "openai-chat", upstream: "openai-chat", body });
        expect(stage.bodies()[0].tool_choice).toEqual(book);
      });
    }
  });

  test("a failed result says so, a document becomes a file", async () => {
    const messages = [
      {
        role: "user",
        content: [
          { type: "tool_result", tool_use_id: "c1", content: "no such file", is_error: true },
          {
            type: "document",
            title: "t.pdf",
            source: { type: "base64", media_type: "application/pdf", data: "JVBERi0=" },
          },
        ],
      },
    ];
    await stage.ask({ client: "openai-chat", upstream: "openai-chat", body: { messages } });
    expect(stage.bodies()[0].messages).toEqual([
      { role: "tool", tool_call_id: "c1", content: "Error: no such file" },
      {
        role: "user",
        content: [
          { type: "file", file: { filename: "t.pdf", file_data: "data:application/pdf;base64,JVBERi0=" } },
        ],
      },
    ]);
  });

  test("a request by the book passes byte for byte, also where its words speak of foreign forms", async () => {
    for (const messages of [
      BOOK.messages,
      [{ role: "user", content: 'Explain {"type":"tool_use"} and {"input_schema": {}}.' }],
      [{ role: "user", content: [{ type: "text", text: 'The "input_text" part.' }] }],
    ]) {
      await stage.ask({
        client: "openai-chat",
        upstream: "openai-chat",
        body: { messages, tools: BOOK.tools },
      });
      const { messages: sent } = stage.bodies()[0];
      expect(sent).toEqual(messages as never);
    }
    // A data model may have a property of such a name.
    const parameters = {
      type: "object",
      properties: { thinking: { type: "string" }, tool_use: { type: "string" } },
    };
    const tools = [{ type: "function", function: { name: "note", parameters } }];
    const body = { tools, messages: [{ role: "user", content: "x" }], temperature: 1 };
    await stage.ask({ client: "openai-chat", upstream: "openai-chat", body });
    const arrived = stage.upstream.seen.findLast((one) => one.body.length > 0);
    const given = { ...JSON.parse(arrived?.body.toString() ?? ""), model: "qwen3-32b" };
    expect(arrived?.body.toString()).toBe(JSON.stringify(given));
  });
});
