import { describe, expect, test } from "bun:test";
import { type LogTarget, LogWriter } from "./log-writer.ts";

const noteOf = (lines: number): string => `(${lines} lost)\n`;

/** Takes so many bytes at once, or nothing, or throws. */
class ScriptedTarget implements LogTarget {
  text = "";
  room: number | "broken" = Number.POSITIVE_INFINITY;

  take(bytes: Uint8Array): number | null {
    if (this.room === "broken") throw new Error("ENOSPC");
    const taken = Math.min(bytes.length, this.room);
    if (taken === 0) return null;
    this.room -= taken;
    this.text += new TextDecoder().decode(bytes.subarray(0, taken));
    return taken;
  }
}

describe("lines of the log", () => {
  test("are there when the call returns", () => {
    const target = new ScriptedTarget();
    const writer = new LogWriter(target, noteOf);
    writer.write("one\n");
    writer.write("two\u009b\n");
    expect(target.text).toBe("one\ntwo\\u009b\n");
    expect(writer.droppedLines).toBe(0);
  });

  test("wait for a reader that has stopped, and are whole behind it", () => {
    const target = new ScriptedTarget();
    target.room = 6;
    const writer = new LogWriter(target, noteOf);
    writer.write("one\n");
    writer.write("two\n");
    writer.write("three\n");
    expect(target.text).toBe("one\ntw");
    target.room = 1_000;
    writer.write("four\n");
    expect(target.text).toBe("one\ntwo\nthree\nfour\n");
  });

  test("beyond a megabyte push the oldest out, which are counted and told", () => {
    const target = new ScriptedTarget();
    target.room = 3;
    const writer = new LogWriter(target, noteOf);
    writer.write("begun\n");
    for (let n = 0; n < 3_000; n++) writer.write(`${String(n).padStart(1_023)}\n`);
    expect(writer.droppedLines).toBeGreaterThan(1_900);
    target.room = Number.POSITIVE_INFINITY;
    writer.end(10);
    const lines = target.text.split("\n");
    // No line is torn, the newest are there, and the count of the lost is true.
    expect(lines[0]).toBe("begun");
    expect(lines.at(-2)).toBe(`(${writer.droppedLines} lost)`);
    expect(lines.at(-3)?.trim()).toBe("2999");
    expect(lines.length).toBe(3_000 - writer.droppedLines + 3);
  });

  test("for a full disk or a reader that has left are lost, told once somebody reads again, and cost nothing", () => {
    const target = new ScriptedTarget();
    target.room = "broken";
    const writer = new LogWriter(target, noteOf);
    for (let n = 0; n < 5; n++) writer.write(`${n}\n`);
    target.room = Number.POSITIVE_INFINITY;
    writer.write("again\n");
    expect(target.text).toBe("again\n(5 lost)\n");
    expect(writer.droppedLines).toBe(5);
  });
});
