import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { modelEvents, PROPERTY_RUNS } from "../../../test/kit/arbitraries.ts";
import { grammarFault } from "../../../test/kit/grammar.ts";
import type { ModelEvent, Stop } from "../event.ts";
import { fold } from "../fold.ts";
import type { TextPart } from "../message.ts";
import { StopWatch } from "./stop-watch.ts";

const END: Stop = { kind: "end", raw: null, sequence: null, explanation: null, category: null, token: null };
const START: ModelEvent = { type: "start", id: null, model: null };
const OPEN: ModelEvent = { type: "open", block: { kind: "text", phase: null } };
const CLOSE: ModelEvent = { type: "close", seal: null };

function watched(events: readonly ModelEvent[], stops: readonly string[]): ModelEvent[] {
  const watch = new StopWatch(stops);
  const seen: ModelEvent[] = [];
  let hasStopped = false;
  for (const event of events) {
    const is = watch.push(event, (each) => seen.push(each));
    expect(is || !hasStopped).toBe(true);
    hasStopped = is;
  }
  return seen;
}

function saying(pieces: readonly string[]): ModelEvent[] {
  const deltas = pieces.filter((text) => text !== "").map((text): ModelEvent => ({ type: "delta", text }));
  return [START, OPEN, ...deltas, CLOSE, { type: "end", stop: END }];
}

function textOf(events: readonly ModelEvent[]): string {
  return events.map((event) => (event.type === "delta" ? event.text : "")).join("");
}

/** What is to be seen: up to the stop that ends first, the longest of those. */
function cut(text: string, stops: readonly string[]): { text: string; sequence: string | null } {
  for (let end = 0; end <= text.length; end++) {
    const found = stops.filter((stop) => stop !== "" && text.slice(0, end).endsWith(stop));
    const longest = found.sort((a, b) => b.length - a.length)[0];
    if (longest !== undefined) return { text: text.slice(0, end - longest.length), sequence: longest };
  }
  return { text, sequence: null };
}

describe("StopWatch", () => {
  test("H-64 cuts before a stop sequence that is split across deltas", () => {
    const text = "one two STOP three";
    for (let a = 0; a <= text.length; a++) {
      for (let b = a; b <= text.length; b++) {
        const seen = watched(saying([text.slice(0, a), text.slice(a, b), text.slice(b)]), ["STOP"]);
        expect(textOf(seen)).toBe("one two ");
        expect(seen.at(-1)).toEqual({
          type: "end",
          stop: { ...END, kind: "stop-sequence", sequence: "STOP" },
        });
        expect(grammarFault(seen)).toBeNull();
      }
    }
  });

  test("H-64 says the same as a search in the whole text, for any cut", () => {
    const letters = fc.constantFrom("a", "b", "😀", "😁", "\n");
    const string = fc.string({ unit: letters, maxLength: 30 });
    const stops = fc.array(fc.string({ unit: letters, maxLength: 5 }), { maxLength: 4 });
    fc.assert(
      fc.property(fc.array(string, { maxLength: 8 }), stops, (pieces, all) => {
        const seen = watched(saying(pieces), all);
        const expected = cut(pieces.join(""), all);
        expect(textOf(seen)).toBe(expected.text);
        const end = seen.at(-1);
        expect(end?.type === "end" ? end.stop.sequence : undefined).toBe(expected.sequence);
        expect(grammarFault(seen)).toBeNull();
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });

  test("finds the same for one stop as indexOf", () => {
    const letters = fc.constantFrom("a", "b");
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: letters, maxLength: 9 })),
        fc.string({ unit: letters, minLength: 1, maxLength: 6 }),
        (pieces, stop) => {
          const text = pieces.join("");
          const at = text.indexOf(stop);
          expect(textOf(watched(saying(pieces), [stop]))).toBe(at === -1 ? text : text.slice(0, at));
        },
      ),
      { numRuns: PROPERTY_RUNS },
    );
  });

  test("holds back no more than may be the beginning of a stop", () => {
    const watch = new StopWatch(["###", "END"]);
    const seen: string[] = [];
    const push = (text: string) => {
      watch.push({ type: "delta", text }, (event) => event.type === "delta" && seen.push(event.text));
      return seen.splice(0);
    };
    watch.push(START, () => {});
    watch.push(OPEN, () => {});
    expect(push("abc")).toEqual(["abc"]);
    expect(push("d##")).toEqual(["d"]);
    expect(push("e#E")).toEqual(["##e#"]);
    expect(push("N")).toEqual([]);
    expect(push("!")).toEqual(["EN!"]);
  });

  test("leaves reasoning, calls and answers without a stop alone", () => {
    fc.assert(
      fc.property(modelEvents(), (events) => {
        const stops = ["no such text in here", "\u0001\u0002\u0003"];
        fc.pre(!textOf(events).includes(stops[1] as string));
        const seen = watched(events, stops);
        expect(fold(seen)).toEqual(fold(events));
        expect(grammarFault(seen)).toBeNull();
      }),
      { numRuns: PROPERTY_RUNS },
    );
    const thinking: ModelEvent[] = [
      START,
      { type: "open", block: { kind: "reasoning" } },
      { type: "delta", text: "STOP" },
      CLOSE,
      { type: "end", stop: END },
    ];
    expect(watched(thinking, ["STOP"])).toEqual(thinking);
  });

  test("does not look for a stop across two texts", () => {
    const two = [...saying(["ST"]).slice(0, -1), ...saying(["OP"]).slice(1)];
    expect(textOf(watched(two, ["STOP"]))).toBe("STOP");
  });

  test("shows what it held when the upstream fails", () => {
    const failed: ModelEvent[] = [
      START,
      OPEN,
      { type: "delta", text: "a ST" },
      { type: "fail", raw: null, message: "x" },
    ];
    const seen = watched(failed, ["STOP"]);
    expect(textOf(seen)).toBe("a ST");
    expect(seen.at(-1)?.type).toBe("fail");
  });

  test("drops annotations beyond the cut, and keeps those before it behind their text", () => {
    const note = (start: number, end: number): ModelEvent => ({
      type: "annotation",
      annotation: { kind: "url", url: `${start}`, title: null, citedText: null, start, end },
    });
    const events: ModelEvent[] = [
      START,
      OPEN,
      { type: "delta", text: "😀 ok ST" },
      note(0, 1),
      note(2, 6),
      note(0, 9),
      { type: "delta", text: "AY STOP" },
      note(0, 2),
      { type: "delta", text: " more" },
      CLOSE,
      { type: "end", stop: END },
    ];
    const part = fold(watched(events, ["STOP"])).parts[0] as TextPart;
    expect(part.text).toBe("😀 ok STAY ");
    expect(part.annotations?.map(({ end }) => end)).toEqual([1, 6, 9]);
    const cutPart = fold(watched(events, ["STAY"])).parts[0] as TextPart;
    expect(cutPart.text).toBe("😀 ok ");
    expect(cutPart.annotations?.map(({ end }) => end)).toEqual([1]);
  });
});
