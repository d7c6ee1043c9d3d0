import { expect, test } from "bun:test";
import { GatewayError } from "../core/errors.ts";
import { type BodySink, type Call, headOf, type ReplyHead } from "./call.ts";
import { DeferredCall } from "./deferred-call.ts";

const HEAD: ReplyHead = { status: 200, headers: new Headers() };
const ABORTED = new GatewayError("upstream_cut", "given up");

/** A call that answers at once, and keeps what it was told. */
function callUnderTest(): Call & { readonly told: unknown[] } {
  const told: unknown[] = [];
  return {
    told,
    awaitHead: (waiter) => waiter.replied(HEAD),
    reason: null,
    pipe: (sink) => void told.push(sink),
    resume: () => void told.push("resume"),
    abort: (reason) => void told.push(reason),
  };
}

const SINK: BodySink = { chunk: () => true, end: () => undefined };

test("is the call, once it can be sent", async () => {
  const inner = callUnderTest();
  const call = new DeferredCall(Promise.resolve(() => inner));
  call.pipe(SINK);
  expect(await headOf(call)).toBe(HEAD);
  call.resume();
  call.abort(ABORTED);
  expect(inner.told).toEqual([SINK, "resume", ABORTED]);
});

test("that is aborted before is never sent", async () => {
  let isSent = false;
  const { promise, resolve } = Promise.withResolvers<() => Call>();
  const call = new DeferredCall(promise);
  call.abort(ABORTED);
  resolve(() => {
    isSent = true;
    return callUnderTest();
  });
  expect(await headOf(call).catch((cause: unknown) => cause)).toBe(ABORTED);
  expect(call.reason).toBe(ABORTED);
  expect(isSent).toBe(false);
});

test("fails as what it waits for fails, and as sending does", async () => {
  const cause = new Error("no token");
  const failed = new DeferredCall(Promise.reject(cause));
  expect(await headOf(failed).catch((error: unknown) => error)).toBe(cause);
  const unsent = new DeferredCall(
    Promise.resolve(() => {
      throw cause;
    }),
  );
  expect(await headOf(unsent).catch((error: unknown) => error)).toBe(cause);
});
