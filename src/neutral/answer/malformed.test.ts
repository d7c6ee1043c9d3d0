import { expect, test } from "bun:test";
import type { ModelEvent, StopKind } from "../event.ts";
import { CallCheck } from "./malformed.ts";

const call = (name: string, input: string, kind: "function" | "custom" = "function"): ModelEvent[] => [
  {
    type: "open",
    block: { kind: "tool-call", id: name, name, namespace: null, call: kind, seal: null },
  },
  ...[...input].map((text): ModelEvent => ({ type: "delta", text })),
  { type: "close", seal: null },
];

const end = (kind: StopKind): ModelEvent => ({
  type: "end",
  stop: { kind, raw: "raw", sequence: null, explanation: null, category: null, token: null },
});

function checked(events: readonly ModelEvent[]): ModelEvent[] {
  const check = new CallCheck();
  const seen: ModelEvent[] = [];
  for (const event of events) check.push(event, (passed) => seen.push(passed));
  return seen;
}

test.each(['{"a":', "[1]", '"x"', '{"a":1}}', "text"])(
  "H-47 a call with %s passes as it came, and the answer ends with words",
  (input) => {
    const events = [...call("read", input), ...call("good", "{}")];
    const seen = checked([...events, end("tool-calls")]);
    expect(seen.slice(0, events.length)).toEqual(events);
    const words = `The model called the tool "read" with malformed arguments, which are not a JSON object: ${input}`;
    expect(seen.slice(events.length)).toMatchObject([
      { type: "open", block: { kind: "text" } },
      { type: "delta", text: words },
      { type: "close" },
      { type: "end", stop: { kind: "malformed", raw: "raw", explanation: words } },
    ]);
  },
);

test.each(["", " ", "null", "{}", '{"a":[1]}'])("a call with %p is whole", (input) => {
  const events = [...call("read", input), end("tool-calls")];
  expect(checked(events)).toEqual(events);
});

test("H-46 a call that the limit or a filter cut off, and the input of a custom tool, are not judged", () => {
  for (const kind of ["length", "context-full", "refusal", "pause"] as const) {
    const events = [...call("read", '{"a":'), end(kind)];
    expect(checked(events)).toEqual(events);
  }
  const custom = [...call("patch", "*** Begin", "custom"), end("tool-calls")];
  expect(checked(custom)).toEqual(custom);
});
