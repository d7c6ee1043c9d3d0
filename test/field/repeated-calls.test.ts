import { afterAll, beforeAll, expect, test } from "bun:test";
import fc from "fast-check";
import { PROPERTY_RUNS } from "../kit/arbitraries.ts";
import {
  type AnswerStage,
  CLIENT_DIALECTS,
  chunkOf,
  completionOf,
  DONE,
  lastChunk,
  type Spoken,
  startAnswerStage,
} from "./answer-stage.ts";
import { describeKind } from "./kind.ts";
import { kind } from "./kinds/repeated-calls.ts";

const USAGE = { usage: { prompt_tokens: 100, completion_tokens: 20, total_tokens: 120 } };
const ARGS = '{"path":"a"}';
const READ = [{ name: "read", args: { path: "a" } }];
const BOTH = [...READ, { name: "list", args: { path: "b" } }];

interface Fragment {
  readonly index?: number;
  readonly id?: string;
  readonly name?: string;
  readonly args?: unknown;
}

const deltaOf = ({ index = 0, id, name, args }: Fragment): object => ({
  tool_calls: [{ index, id, type: "function", function: { name, arguments: args } }],
});

const FIRST = { id: "c1", name: "read" };
const STREAMS: Readonly<
  Record<string, { readonly fragments: readonly Fragment[]; readonly calls?: object[] }>
> = {
  "reported: the arguments so far in each piece": {
    fragments: [
      { ...FIRST, args: '{"pa' },
      { ...FIRST, args: '{"path":' },
      { ...FIRST, args: ARGS },
    ],
  },
  "reported: the arguments so far in each piece, without id and name": {
    fragments: [{ ...FIRST, args: '{"pa' }, { args: '{"path":' }, { args: ARGS }],
  },
  "reported: the arguments so far in two pieces": {
    fragments: [{ ...FIRST, args: '{"pa' }, { args: ARGS }],
  },
  "reported: the whole call behind its pieces": {
    fragments: [{ ...FIRST, args: '{"path"' }, { args: ':"a"}' }, { ...FIRST, args: ARGS }],
  },
  "reported: the whole arguments behind their pieces": {
    fragments: [{ ...FIRST, args: '{"path"' }, { args: ':"a"}' }, { args: ARGS }],
  },
  "reported: the whole call behind its pieces, written anew": {
    fragments: [{ ...FIRST, args: '{"path"' }, { args: ':"a"}' }, { ...FIRST, args: '{ "path": "a" }' }],
  },
  "reported: the whole call behind its pieces, encoded twice": {
    fragments: [{ ...FIRST, args: '{"path"' }, { args: ':"a"}' }, { ...FIRST, args: JSON.stringify(ARGS) }],
  },
  "reported: another id in each further piece": {
    fragments: [
      { ...FIRST, args: '{"path"' },
      { id: "c2", args: ':"a"' },
      { id: "c3", args: "}" },
    ],
  },
  "an empty object in front of the arguments": {
    fragments: [{ ...FIRST, args: "{}" }, { args: '{"path"' }, { args: ':"a"}' }],
  },
  "an empty object in front of the arguments, with id and name in both": {
    fragments: [
      { ...FIRST, args: "{}" },
      { ...FIRST, args: ARGS },
    ],
  },
  "two calls, each said so far in each piece": {
    fragments: [
      { ...FIRST, args: '{"pa' },
      { ...FIRST, args: ARGS },
      { index: 1, id: "c2", name: "list", args: '{"pa' },
      { index: 1, id: "c2", name: "list", args: '{"path":"b"}' },
    ],
    calls: BOTH,
  },
  "two calls with index 0, and both once more behind them": {
    fragments: [
      { ...FIRST, args: ARGS },
      { id: "c2", name: "list", args: '{"path":"b"}' },
      { id: "c2", name: "list", args: '{"path":"b"}' },
    ],
    calls: BOTH,
  },
  "arguments that begin as the ones before do, one object in the other": {
    fragments: [{ ...FIRST, args: '{"path":' }, { args: '{"path":"a"}' }, { args: "}" }],
    calls: [{ name: "read", args: { path: { path: "a" } } }],
  },
  "two equal calls": {
    fragments: [
      { ...FIRST, args: ARGS },
      { index: 1, id: "c2", name: "read", args: ARGS },
    ],
    calls: [...READ, ...READ],
  },
};

/** How one text of arguments is written; whole answers and streams. */
const TEXTS: Readonly<Record<string, readonly [args: unknown, expected: object]>> = {
  "reported: twice": [ARGS + ARGS, { path: "a" }],
  "reported: three times": [ARGS + ARGS + ARGS, { path: "a" }],
  "reported: encoded twice": [JSON.stringify(ARGS), { path: "a" }],
  "an object": [{ path: "a" }, { path: "a" }],
  null: [null, {}],
  "a text that holds a repetition": ['{"path":"}{}{"}', { path: "}{}{" }],
};

const streamOf = (fragments: readonly Fragment[], finish: string | null = null): string[] =>
  fragments.flatMap((fragment) => [
    chunkOf(deltaOf(fragment)),
    ...(finish === null ? [] : [chunkOf({}, finish)]),
  ]);

const ended = (pieces: readonly string[]): Spoken => ({
  whole: {},
  pieces: [...pieces, chunkOf({}, "tool_calls"), lastChunk(USAGE), DONE],
});

describeKind(kind, () => {
  let stage: AnswerStage;
  beforeAll(async () => {
    stage = await startAnswerStage();
  });
  afterAll(() => stage.close());

  async function expectCalls(spoken: Spoken, forms: readonly boolean[], calls: readonly object[]) {
    for (const dialect of CLIENT_DIALECTS) {
      for (const isStream of forms) {
        const { told, row } = await stage.hear(dialect, isStream, spoken);
        expect({ dialect, outcome: row.outcome }).toEqual({ dialect, outcome: "ok" });
        if (told === null) continue;
        const heard = told.calls.map(({ name, args }) => ({ name, args }));
        expect({ dialect, isStream, calls: heard, ending: told.ending }).toEqual({
          dialect,
          isStream,
          calls: [...calls] as typeof heard,
          ending: "calls",
        });
      }
    }
  }

  for (const [name, { fragments, calls = READ }] of Object.entries(STREAMS))
    test(name, () => expectCalls(ended(streamOf(fragments)), [true], calls));

  for (const [name, [args, expected]] of Object.entries(TEXTS)) {
    test(`${name}, as the arguments of one call`, () => {
      const message = { content: null, ...deltaOf({ ...FIRST, args }) };
      const whole = completionOf(message, "tool_calls", USAGE);
      const { pieces } = ended(streamOf([{ ...FIRST, args }]));
      return expectCalls({ whole, pieces }, [false, true], [{ name: "read", args: expected }]);
    });
  }

  for (const finish of ["tool_calls", "stop"]) {
    test(`reported: "${finish}" behind each piece of a call`, () =>
      expectCalls(
        ended(streamOf([{ ...FIRST, args: "" }, { args: '{"path"' }, { args: ':"a"}' }], finish)),
        [true],
        READ,
      ));
  }

  test("any arguments, cut anywhere, said anew or not, reach a client once", async () => {
    const said = fc.tuple(
      fc.dictionary(fc.string({ maxLength: 6 }), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 4 }),
      fc.array(fc.nat(), { maxLength: 4 }),
      fc.constantFrom("pieces", "so far", "and whole again"),
    );
    await fc.assert(
      fc.asyncProperty(said, fc.constantFrom(...CLIENT_DIALECTS), async ([given, cuts, how], dialect) => {
        const args = JSON.parse(JSON.stringify(given)) as object;
        const text = JSON.stringify(args);
        const ends = [...new Set(cuts.map((cut) => cut % text.length)), text.length].sort((a, b) => a - b);
        const texts = ends.map((end, n) => text.slice(how === "so far" ? 0 : (ends[n - 1] ?? 0), end));
        const all = how === "and whole again" ? [...texts, text] : texts;
        const { told } = await stage.hear(
          dialect,
          true,
          ended(streamOf(all.map((one) => ({ ...FIRST, args: one })))),
        );
        if (told !== null) expect(told.calls.map((call) => call.args as object)).toEqual([args]);
      }),
      { numRuns: Math.min(PROPERTY_RUNS, 300) },
    );
  });
});
