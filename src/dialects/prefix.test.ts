import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { DialectName } from "./dialect.ts";
import { type Prefix, prefixOf } from "./prefix.ts";

const encode = (value: unknown, indent?: number): Uint8Array =>
  new TextEncoder().encode(JSON.stringify(value, null, indent));
const READ_BYTES = 1_000_000;
const LONG = "The quick brown fox jumps over the lazy dog. ".repeat(60);
const NAMES: readonly DialectName[] = ["openai-chat", "openai-responses", "anthropic-messages", "gemini"];

interface Talk {
  readonly system: string;
  readonly tool: string;
  /** Of the user and the model by turns. */
  readonly turns: readonly string[];
}

const roles = (turns: readonly string[]) => turns.map((text, i) => [i % 2 === 0, text] as const);

/** The same conversation as a client of each dialect sends it. */
const BODIES: Readonly<Record<DialectName, (talk: Talk) => object>> = {
  "openai-chat": ({ system, tool, turns }) => ({
    model: "m",
    messages: [
      { role: "system", content: system },
      ...roles(turns).map(([isUser, content]) => ({ role: isUser ? "user" : "assistant", content })),
    ],
    tools: [{ type: "function", function: { name: tool, parameters: {} } }],
  }),
  "openai-responses": ({ system, tool, turns }) => ({
    model: "m",
    instructions: system,
    input: roles(turns).map(([isUser, text]) =>
      isUser
        ? { role: "user", content: text }
        : { type: "message", id: "msg_1", role: "assistant", content: [{ type: "output_text", text }] },
    ),
    tools: [{ type: "function", name: tool, parameters: {} }],
  }),
  "anthropic-messages": ({ system, tool, turns }) => ({
    max_tokens: 100,
    messages: roles(turns).map(([isUser, content]) => ({ role: isUser ? "user" : "assistant", content })),
    model: "m",
    system,
    tools: [{ name: tool, input_schema: { type: "object" } }],
  }),
  gemini: ({ system, tool, turns }) => ({
    contents: roles(turns).map(([isUser, text]) => ({ role: isUser ? "user" : "model", parts: [{ text }] })),
    systemInstruction: { parts: [{ text: system }] },
    tools: [{ functionDeclarations: [{ name: tool }] }],
  }),
};

function prefix(dialect: DialectName, talk: Talk): Prefix {
  const found = prefixOf(dialect, encode(BODIES[dialect](talk)));
  if (found === null) throw new Error("no prefix was found");
  return found;
}

const text = fc.string({ maxLength: 40 });
const talks = fc.record({
  system: text.map((words) => LONG + words),
  tool: text,
  turns: fc.array(text, { minLength: 1, maxLength: 40 }),
});

/** How many points the two have in common: each is one more turn, or the head. */
const shared = (one: Prefix, other: Prefix): number =>
  one.points.filter((point) => other.points.includes(point)).length;

describe.each([...NAMES])("a conversation in %s", (dialect) => {
  test("keeps its root and the hashes of its earlier turns while it grows", () => {
    fc.assert(
      fc.property(talks, fc.array(text, { minLength: 1, maxLength: 10 }), (talk, more) => {
        const before = prefix(dialect, talk);
        const after = prefix(dialect, { ...talk, turns: [...talk.turns, ...more] });
        expect(after.root).toBe(before.root);
        expect(after.points).toContain(before.points[0] as number);
        expect(after.points.slice(more.length, more.length + before.points.length)).toEqual([
          ...before.points,
        ]);
        expect(before.end).toBe(0);
      }),
    );
  });

  test("shares with a branch what stands before the branch, and nothing else", () => {
    fc.assert(
      fc.property(talks, fc.nat(), (talk, at) => {
        const index = at % talk.turns.length;
        const turns = talk.turns.with(index, `${talk.turns[index]} else`);
        const [one, other] = [prefix(dialect, talk), prefix(dialect, { ...talk, turns })];
        const systemTurns = dialect === "openai-chat" ? 1 : 0;
        expect(shared(one, other)).toBe(index + 1 + systemTurns);
        expect(one.root === other.root).toBe(index > 0);
      }),
    );
  });

  test("has another root with other tools or instructions", () => {
    fc.assert(
      fc.property(talks, (talk) => {
        const one = prefix(dialect, talk);
        for (const other of [
          { ...talk, system: `${talk.system}.` },
          { ...talk, tool: `${talk.tool}.` },
        ])
          expect(prefix(dialect, other).root).not.toBe(one.root);
      }),
    );
  });

  test("is too short to be cached, or has no turns", () => {
    expect(prefixOf(dialect, encode(BODIES[dialect]({ system: "", tool: "", turns: ["hi"] })))).toBeNull();
    expect(prefixOf(dialect, encode({ model: "m", user: LONG }))).toBeNull();
  });

  test("costs bounded memory and linear time, however its body is made", () => {
    const bodies = [
      (n: number) => BODIES[dialect]({ system: LONG, tool: "", turns: Array(n).fill("") }),
      (n: number) => BODIES[dialect]({ system: "x".repeat(n * 20), tool: "", turns: ["hi"] }),
      (n: number) => BODIES[dialect]({ system: '\\"'.repeat(n * 4), tool: "", turns: ["hi"] }),
      (n: number) => ({
        ...BODIES[dialect]({ system: "", tool: "", turns: ["hi"] }),
        x: Array(n * 4).fill([{}]),
      }),
    ];
    for (const bodyOf of bodies) {
      const [small, large] = [encode(bodyOf(5_000)), encode(bodyOf(40_000))];
      expect(prefixOf(dialect, large)?.points.length).toBeLessThanOrEqual(65);
      // Of the processor, however many others want it, and over so many bytes that its clock counts them.
      const nsAByte = (body: Uint8Array) => {
        let least = Number.POSITIVE_INFINITY;
        for (let i = 0; i < 3; i++) {
          const before = process.cpuUsage();
          for (let read = 0; read < READ_BYTES; read += body.length) prefixOf(dialect, body);
          const { user, system } = process.cpuUsage(before);
          least = Math.min(least, user + system);
        }
        return (least * 1_000) / (Math.ceil(READ_BYTES / body.length) * body.length);
      };
      nsAByte(small);
      expect(nsAByte(large)).toBeLessThan(nsAByte(small) * 4 + 20);
    }
  });
});

test("the dialects agree on where the turns of a conversation stand", () => {
  fc.assert(
    fc.property(talks, fc.nat(), (talk, at) => {
      const index = at % talk.turns.length;
      const other = { ...talk, turns: talk.turns.with(index, `${talk.turns[index]} else`) };
      const found = NAMES.map((name) => {
        const systemTurns = name === "openai-chat" ? 1 : 0;
        const [one, two] = [prefix(name, talk), prefix(name, other)];
        return [one.points.length - systemTurns, shared(one, two) - systemTurns, one.root === two.root];
      });
      for (const each of found) expect(each).toEqual(found[0] as (number | boolean)[]);
    }),
  );
});

test("the order of members and the space between them do not count", () => {
  const body = BODIES["anthropic-messages"]({ system: LONG, tool: "t", turns: ["a", "b", "c"] });
  const turned = Object.fromEntries(Object.entries(body).reverse());
  const plain = prefixOf("anthropic-messages", encode(body));
  expect(prefixOf("anthropic-messages", encode(turned))).toEqual(plain);
  expect(
    prefixOf("anthropic-messages", encode({ ...body, temperature: 1, metadata: { user_id: "x" } })),
  ).toEqual(plain);
});

describe("marks of the client", () => {
  const mark = { cache_control: { type: "ephemeral" } };
  const marked = (content: string, cache: object = mark) => [{ type: "text", text: content, ...cache }];
  const body = (turns: readonly unknown[], rest: object = {}) => ({
    model: "m",
    system: LONG,
    messages: turns.map((content, i) => ({ role: i % 2 === 0 ? "user" : "assistant", content })),
    ...rest,
  });
  const of = (value: object) => prefixOf("anthropic-messages", encode(value)) as Prefix;

  test("move through a conversation without changing its hashes", () => {
    const first = of(body(["a", "b", marked("c")]));
    const second = of(body(["a", "b", "c", "d", marked("e")]));
    expect(second.points[2]).toBe(first.points[0] as number);
    expect(second.root).toBe(first.root);
    expect(of(body([marked("a"), "b", "c"])).points).toEqual([...first.points]);
  });

  test("say how far the provider keeps the prompt, and how long", () => {
    const ends = (value: object) => {
      const { end, points, isLong } = of(value);
      return [end, points.length, isLong];
    };
    expect(ends(body(["a", marked("b"), "c"]))).toEqual([1, 4, false]);
    expect(ends(body([marked("a"), marked("b"), "c"]))).toEqual([1, 4, false]);
    expect(ends(body(["a", "b", "c"], { system: marked(LONG) }))).toEqual([3, 4, false]);
    expect(ends(body(["a", "b", "c"], { system: marked(LONG), ...mark }))).toEqual([0, 4, false]);
    expect(ends(body(["a", marked("b", { cache_control: null }), "c"]))).toEqual([0, 4, false]);
    const hour = { cache_control: { type: "ephemeral", ttl: "1h" } };
    expect(ends(body(["a", "b", marked("c", hour)]))).toEqual([0, 4, true]);
    expect(ends(body(["a", "b", marked("c", { cache_control: { ttl: "5m" } })]))).toEqual([0, 4, false]);
    const long = (value: object) =>
      prefixOf("openai-chat", encode({ messages: [{ role: "user", content: LONG }], ...value }))?.isLong;
    expect(long({ prompt_cache_retention: "24h" })).toBe(true);
    expect(long({ prompt_cache_options: { ttl: "30m" } })).toBe(true);
    expect(long({})).toBe(false);
  });

  test("the line on who is billed does not count, because it changes with each request", () => {
    const line = (hash: string) => `x-anthropic-billing-header: cc_version=2.1; cch=${hash};`;
    const system = (hash: string) => ({
      system: [{ type: "text", text: line(hash) }, ...marked(LONG)],
    });
    expect(of(body(["a"], system("00001")))).toEqual(of(body(["a"], system("00002"))));
  });
});

test("the client's own key is the root of all requests with it", () => {
  const of = (dialect: DialectName, key: unknown, words: string) =>
    prefixOf(
      dialect,
      encode({ ...BODIES[dialect]({ system: LONG, tool: "", turns: [words] }), prompt_cache_key: key }),
    );
  for (const dialect of ["openai-chat", "openai-responses"] as const) {
    expect(of(dialect, "k", "one")?.root).toBe(of(dialect, "k", "two")?.root as number);
    expect(of(dialect, "k", "one")?.root).not.toBe(of(dialect, "l", "one")?.root as number);
    expect(of(dialect, null, "one")?.root).not.toBe(of(dialect, null, "two")?.root as number);
  }
});

test("no body that a peek takes makes it throw", () => {
  const part = fc.jsonValue();
  const bodies = fc.dictionary(
    fc.constantFrom("messages", "input", "contents", "tools", "system", "instructions", "cache_control", "x"),
    fc.oneof(part, fc.array(fc.record({ role: part, content: part, parts: part, cache_control: part }))),
  );
  fc.assert(
    fc.property(bodies, fc.constantFrom(...NAMES), (body, name) => {
      const found = prefixOf(name, encode({ pad: LONG, ...body }));
      if (found === null) return;
      for (const hash of [found.root, ...found.points])
        expect(Number.isSafeInteger(hash) && hash >= 0).toBe(true);
      expect(found.end).toBeLessThan(found.points.length);
    }),
  );
});
