import { expect, test } from "bun:test";
import type { GatewayError } from "../../core/errors.ts";
import type { BodySink, Call } from "../../transport/call.ts";
import { LinesCall } from "./lines-call.ts";

/** A call that sends these pieces when it is piped, and what its sink got. */
function linesOf(pieces: readonly string[]) {
  let reason: GatewayError | null = null;
  const inner: Call = {
    awaitHead: () => undefined,
    pipe(sink: BodySink) {
      for (const piece of pieces) if (reason === null) sink.chunk(new TextEncoder().encode(piece));
      if (reason === null) sink.end(null);
    },
    resume: () => undefined,
    abort(error) {
      reason = error;
    },
    get reason() {
      return reason;
    },
  };
  let text = "";
  let ended: GatewayError | null | undefined;
  new LinesCall(inner).pipe({
    chunk(bytes) {
      text += new TextDecoder().decode(bytes);
      return true;
    },
    end(error) {
      ended = error;
    },
  });
  return { text, ended };
}

test("each line is an event, however the bytes are split; blank lines are none", () => {
  const text = '{"a":1}\r\n\n  \n{"b":"\u8ff7"}';
  const whole = linesOf([text]);
  expect(whole.ended).toBeNull();
  expect(whole.text.replaceAll("\r", "")).toBe('data: {"a":1}\n\ndata: {"b":"\u8ff7"}\n\n');
  for (let at = 1; at < text.length; at++) {
    expect(linesOf([text.slice(0, at), text.slice(at)])).toEqual(whole);
  }
});

test("a line goes on as it comes: who reads the events bounds what is kept of one", () => {
  expect(linesOf(["x".repeat(60), "x".repeat(60)]).text).toBe(`data: ${"x".repeat(120)}\n\n`);
});
