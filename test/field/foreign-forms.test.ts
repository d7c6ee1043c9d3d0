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

/** A path whose book says this, and the forms in which clients of Chat say the same on it. */
interface Path {
  readonly dialect: "openai-responses" | "anthropic-messages";
  readonly tools: Readonly<Record<string, readonly object[]>>;
  readonly choices: Readonly<Record<string, unknown>>;
  readonly firstTurns: Readonly<Record<string, readonly unknown[]>>;
  readonly laterTurns: Readonly<Record<string, readonly unknown[]>>;
  /** The body by the book, and as clients write it, of tools, choice and turns. */
  readonly book: (tools: unknown, choice: unknown, turns: readonly unknown[]) => object;
  readonly bodies: Readonly<
    Record<string, (tools: unknown, choice: unknown, turns: readonly unknown[]) => object>
  >;
}

const NESTED = [{ type: "function", function: { name: "read", description: "Reads", parameters: SCHEMA } }];
const CLAUDE_TOOLS = [{ name: "read", description: "Reads", input_schema: SCHEMA }];
const FLAT = [{ type: "function", name: "read", description: "Reads", parameters: SCHEMA }];
const CHAT_FIRST = {
  role: "user",
  content: [
    { type: "text", text: "Read a.txt" },
    { type: "image_url", image_url: { url: PNG_URL } },
  ],
};
const CHAT_CALLS = ["c1", "c2"].map((id) => ({
  id,
  type: "function",
  function: { name: "read", arguments: JSON.stringify(ARGS) },
}));
const CHAT_LATER = [
  { role: "assistant", content: "I will.", tool_calls: CHAT_CALLS },
  { role: "tool", tool_call_id: "c1", content: "one" },
  { role: "tool", tool_call_id: "c2", content: [{ type: "text", text: "two" }] },
  { role: "user", content: "And?" },
];
const CLAUDE_LATER = [
  {
    role: "assistant",
    content: [
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
    ],
  },
  { role: "user", content: "And?" },
];
const RESPONSES_LATER = [
  { role: "assistant", content: "I will." },
  ...["c1", "c2"].map((call_id) => ({
    type: "function_call",
    call_id,
    name: "read",
    arguments: JSON.stringify(ARGS),
  })),
  { type: "function_call_output", call_id: "c1", output: "one" },
  { type: "function_call_output", call_id: "c2", output: [{ type: "input_text", text: "two" }] },
  { role: "user", content: "And?" },
];
const SYSTEM_TURN = { role: "system", content: "You are an agent." };
const CLAUDE_IMAGE = { type: "image", source: { type: "base64", media_type: "image/png", data: PNG } };

const PATHS: readonly Path[] = [
  {
    dialect: "openai-responses",
    tools: { "by the book": FLAT, "of Chat": NESTED, "of Messages": CLAUDE_TOOLS },
    choices: {
      "by the book": { type: "function", name: "read" },
      "of Chat": { type: "function", function: { name: "read" } },
      "of Messages": { type: "tool", name: "read" },
    },
    firstTurns: {
      "by the book": [
        {
          role: "user",
          content: [
            { type: "input_text", text: "Read a.txt" },
            { type: "input_image", image_url: PNG_URL },
          ],
        },
      ],
      "of Chat": [CHAT_FIRST],
      "mixed parts": [
        {
          role: "user",
          content: [
            { type: "text", text: "Read a.txt" },
            { type: "input_image", image_url: { url: PNG_URL } },
          ],
        },
      ],
      "of Messages": [{ role: "user", content: [{ type: "text", text: "Read a.txt" }, CLAUDE_IMAGE] }],
    },
    laterTurns: { "by the book": RESPONSES_LATER, "of Chat": CHAT_LATER },
    book: (tools, choice, turns) => ({
      tools,
      tool_choice: choice,
      max_output_tokens: 500,
      input: [SYSTEM_TURN, ...turns],
    }),
    bodies: {
      "as input": (tools, tool_choice, turns) => ({
        input: [SYSTEM_TURN, ...turns],
        tools,
        tool_choice,
        max_output_tokens: 500,
      }),
      "as messages": (tools, tool_choice, turns) => ({
        input: undefined,
        messages: [SYSTEM_TURN, ...turns],
        tools,
        tool_choice,
        max_tokens: 500,
      }),
      "as messages, with the newer limit": (tools, tool_choice, turns) => ({
        input: undefined,
        messages: [SYSTEM_TURN, ...turns],
        tools,
        tool_choice,
        max_completion_tokens: 500,
      }),
    },
  },
  {
    dialect: "anthropic-messages",
    tools: { "by the book": CLAUDE_TOOLS, "of Chat": NESTED, flat: FLAT },
    choices: {
      "by the book": { type: "tool", name: "read" },
      "of Chat": { type: "function", function: { name: "read" } },
      flat: { type: "function", name: "read" },
    },
    firstTurns: {
      "by the book": [{ role: "user", content: [{ type: "text", text: "Read a.txt" }, CLAUDE_IMAGE] }],
      "of Chat": [CHAT_FIRST],
      "of Responses": [
        {
          role: "user",
          content: [
            { type: "input_text", text: "Read a.txt" },
            { type: "input_image", image_url: PNG_URL },
          ],
        },
      ],
    },
    laterTurns: { "by the book": CLAUDE_LATER, "of Chat": CHAT_LATER },
    book: (tools, choice, turns) => ({
      tools,
      tool_choice: choice,
      max_tokens: 500,
      stop_sequences: ["END"],
      system: [{ type: "text", text: "You are an agent." }],
      messages: turns,
    }),
    bodies: {
      "with its own instructions": (tools, tool_choice, turns) => ({
        system: [{ type: "text", text: "You are an agent." }],
        messages: turns,
        tools,
        tool_choice,
        max_tokens: 500,
        stop_sequences: ["END"],
      }),
      "with instructions as a message": (tools, tool_choice, turns) => ({
        messages: [SYSTEM_TURN, ...turns],
        tools,
        tool_choice,
        max_tokens: 500,
        stop: "END",
      }),
      "with the developer's instructions": (tools, tool_choice, turns) => ({
        messages: [{ role: "developer", content: [{ type: "text", text: "You are an agent." }] }, ...turns],
        tools,
        tool_choice,
        max_tokens: undefined,
        max_completion_tokens: 500,
        stop: ["END"],
      }),
    },
  },
];

/** Every combination of forms on a path. */
function bodiesOn({
  tools,
  choices,
  firstTurns,
  laterTurns,
  bodies,
}: Path): { name: string; body: object }[] {
  return Object.entries(tools).flatMap(([toolForm, tool]) =>
    Object.entries(choices).flatMap(([choiceForm, choice]) =>
      Object.entries(firstTurns).flatMap(([firstForm, first]) =>
        Object.entries(laterTurns).flatMap(([laterForm, later]) =>
          Object.entries(bodies).map(([bodyForm, body]) => ({
            name: `tools ${toolForm}, choice ${choiceForm}, first ${firstForm}, later ${laterForm}, ${bodyForm}`,
            body: body(tool, choice, [...first, ...later]),
          })),
        ),
      ),
    ),
  );
}

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

  for (const path of PATHS) {
    const { dialect } = path;
    const book = (): Frame =>
      path.book(path.tools["by the book"], path.choices["by the book"], [
        ...(path.firstTurns["by the book"] ?? []),
        ...(path.laterTurns["by the book"] ?? []),
      ]);
    const bodies = bodiesOn(path);

    test(`reported: ${dialect}: ${bodies.length} combinations of forms reach its server as the book has them`, async () => {
      for (const { name, body } of bodies) {
        const answer = await stage.ask({ client: dialect, upstream: dialect, body });
        expect([name, answer.status]).toEqual([name, 200]);
        const { model: _, stream: __, ...sent } = stage.bodies()[0];
        expect([name, sent]).toEqual([name, book()]);
      }
    });

    for (const upstream of DIALECTS.filter((one) => one !== dialect)) {
      test(`${dialect}: the combinations reach ${upstream} like the book's own, whole and streamed`, async () => {
        const ask = async (body: object, isStream: boolean): Promise<Frame> => {
          const answer = await stage.ask({ client: dialect, upstream, body, isStream });
          expect([answer.status, answer.told().text]).toEqual([200, TEXT]);
          return stage.bodies()[0];
        };
        for (const isStream of [false, true]) {
          const expected = await ask(book(), isStream);
          for (const { body } of bodies.filter((_, n) => n % 11 === 0))
            expect(await ask(body, isStream)).toEqual(expected);
        }
      });
    }

    test(`${dialect}: a request by the book passes byte for byte, also where its words speak of foreign forms`, async () => {
      const words =
        'Explain {"tool_calls":[]}, {"image_url":{"url":""}}, {"type":"text"} and {"role":"tool"}.';
      const parameters = {
        type: "object",
        properties: { function: { type: "string" }, parameters: { type: "object", properties: {} } },
      };
      const turn = { role: "user", content: words };
      const own =
        dialect === "openai-responses"
          ? { input: [turn], tools: [{ type: "function", name: "note", parameters, strict: false }] }
          : { messages: [turn], tools: [{ name: "note", input_schema: parameters }] };
      const body = { ...own, temperature: 1 };
      await stage.ask({ client: dialect, upstream: dialect, body });
      const arrived = stage.upstream.seen.findLast((one) => one.body.length > 0);
      const text = arrived?.body.toString() ?? "";
      expect(text).toBe(JSON.stringify(JSON.parse(text)));
      expect(JSON.parse(text)).toMatchObject(body);
    });
  }

  describe("Responses: further words of Chat", () => {
    const ask = async (body: object): Promise<Frame> => {
      const answer = await stage.ask({ client: "openai-responses", upstream: "openai-responses", body });
      expect(answer.status).toBe(200);
      return stage.bodies()[0];
    };
    test("the format of the answer, effort and verbosity go into their objects", async () => {
      const sent = await ask({
        response_format: { type: "json_schema", json_schema: { name: "out", schema: SCHEMA } },
        reasoning_effort: "low",
        verbosity: "high",
      });
      expect(sent.text).toEqual({
        verbosity: "high",
        format: { type: "json_schema", name: "out", schema: SCHEMA },
      });
      expect(sent.reasoning).toEqual({ effort: "low" });
      for (const name of ["response_format", "reasoning_effort", "verbosity"])
        expect(sent).not.toHaveProperty(name);
    });
    test("what stands in its own place already counts", async () => {
      const sent = await ask({
        reasoning: { effort: "high" },
        reasoning_effort: "low",
        max_tokens: 5,
        max_output_tokens: 9,
      });
      expect([sent.reasoning, sent.max_output_tokens]).toEqual([{ effort: "high" }, 9]);
    });
    test("a call without words, arguments as an object, a refusal, a file", async () => {
      const { input } = await ask({
        input: undefined,
        messages: [
          {
            role: "user",
            content: [
              {
                type: "file",
                file: { filename: "t.pdf", file_data: "data:application/pdf;base64,JVBERi0=" },
              },
            ],
          },
          {
            role: "assistant",
            content: null,
            tool_calls: [{ id: "c1", type: "function", function: { name: "read", arguments: ARGS } }],
          },
          { role: "tool", tool_call_id: "c1", content: "one" },
          { role: "assistant", content: null, refusal: "No.", tool_calls: [] },
          { role: "user", content: "go" },
        ],
      });
      expect(input).toEqual([
        {
          role: "user",
          content: [
            { type: "input_file", filename: "t.pdf", file_data: "data:application/pdf;base64,JVBERi0=" },
          ],
        },
        { type: "function_call", call_id: "c1", name: "read", arguments: JSON.stringify(ARGS) },
        { type: "function_call_output", call_id: "c1", output: "one" },
        { role: "assistant", content: [{ type: "refusal", refusal: "No." }] },
        { role: "user", content: "go" },
      ]);
    });
    test("reported: parts of the assistant that say they are input, and of the user that say they are output", async () => {
      stage.upstream.refuse(
        {
          isRefused: ({ input }) =>
            input.some(
              ({ role, content }: Frame) => role === "assistant" && content[0].type === "input_text",
            ),
          refusal: "Invalid value: 'input_text'. Supported values are: 'output_text' and 'refusal'.",
        },
        {
          isRefused: ({ input }) =>
            input.some(({ role, content }: Frame) => role === "user" && content[0].type === "output_text"),
          refusal:
            "Invalid value: 'output_text'. Supported values are: 'input_text', 'input_image', 'output_text', 'refusal', 'input_file', 'computer_screenshot', and 'summary_text'.",
        },
      );
      const turn = (role: string, type: string) => ({ role, content: [{ type, text: "x" }] });
      const body = {
        input: [turn("user", "output_text"), turn("assistant", "input_text"), turn("user", "input_text")],
      };
      const answer = await stage.ask({ client: "openai-responses", upstream: "openai-responses", body });
      stage.upstream.refuse();
      expect([answer.status, answer.headers.get("x-clewline-changed")]).toEqual([
        200,
        expect.stringContaining("input"),
      ]);
    });
  });

  describe("Messages: further words of Chat", () => {
    const ask = async (body: object): Promise<Frame> => {
      const answer = await stage.ask({ client: "anthropic-messages", upstream: "anthropic-messages", body });
      expect(answer.status).toBe(200);
      return stage.bodies()[0];
    };
    for (const [given, book] of [
      [{ tool_choice: "auto" }, { type: "auto" }],
      [{ tool_choice: "required" }, { type: "any" }],
      [{ tool_choice: "none" }, { type: "none" }],
      [
        { tool_choice: "auto", parallel_tool_calls: false },
        { type: "auto", disable_parallel_tool_use: true },
      ],
      [{ parallel_tool_calls: false }, { type: "auto", disable_parallel_tool_use: true }],
      [{ parallel_tool_calls: true }, undefined],
    ] as const) {
      test(`${JSON.stringify(given)} is ${JSON.stringify(book)}`, async () => {
        const sent = await ask({ tools: CLAUDE_TOOLS, ...given });
        expect(sent.tool_choice).toEqual(book as never);
        expect(sent).not.toHaveProperty("parallel_tool_calls");
      });
    }
    test("a call without words, a file, an image by its address, instructions beside the request's own", async () => {
      const { system, messages } = await ask({
        system: "One.",
        messages: [
          { role: "system", content: "Two." },
          {
            role: "user",
            content: [
              { type: "image_url", image_url: { url: "https://images.example/a.png" } },
              {
                type: "file",
                file: { filename: "t.pdf", file_data: "data:application/pdf;base64,JVBERi0=" },
              },
            ],
          },
          { role: "assistant", content: null, tool_calls: [CHAT_CALLS[0]] },
          { role: "tool", tool_call_id: "c1", content: "one" },
        ],
      });
      expect(system).toEqual([
        { type: "text", text: "One." },
        { type: "text", text: "Two." },
      ]);
      expect(messages).toEqual([
        {
          role: "user",
          content: [
            { type: "image", source: { type: "url", url: "https://images.example/a.png" } },
            {
              type: "document",
              source: { type: "base64", media_type: "application/pdf", data: "JVBERi0=" },
              title: "t.pdf",
            },
          ],
        },
        { role: "assistant", content: [{ type: "tool_use", id: "c1", name: "read", input: ARGS }] },
        { role: "user", content: [{ type: "tool_result", tool_use_id: "c1", content: "one" }] },
      ]);
    });
    test("instructions between the turns stay where they are", async () => {
      const messages = [
        { role: "user", content: "q" },
        { role: "system", content: "Be brief." },
      ];
      expect((await ask({ messages })).messages).toEqual(messages);
    });
    test("arguments that are no object are refused by name, and not changed", async () => {
      const broken = { id: "c1", type: "function", function: { name: "read", arguments: "{not" } };
      const messages = [
        { role: "user", content: "q" },
        { role: "assistant", content: null, tool_calls: [broken] },
        { role: "tool", tool_call_id: "c1", content: "one" },
      ];
      const answer = await stage.ask({
        client: "anthropic-messages",
        upstream: "gemini",
        body: { messages },
      });
      expect([answer.status, answer.text]).toEqual([400, expect.stringContaining("messages[1].content")]);
    });
  });
});
