import { expect, test } from "bun:test";
import { GatewayError } from "../errors.ts";
import { type RequestLine, RequestLines, reasonOf } from "./request-lines.ts";

const OK: RequestLine = {
  requestId: "1",
  status: 200,
  outcome: "ok",
  errorKind: null,
  reason: null,
  key: "me",
  asked: "m",
  model: "up/m",
  credential: "main",
  failed: [],
  inputTokens: 1,
  outputTokens: 2,
  costNanoUsd: null,
  durationMs: 3,
};
const FAILED: RequestLine = { ...OK, status: 503, outcome: "error", errorKind: "credentials_unusable" };

function watch(all: boolean) {
  const told: string[] = [];
  const due: (() => void)[] = [];
  const lines = new RequestLines({
    write: ({ requestId, outcome }, times) => void told.push(`${requestId} ${outcome} ${times}`),
    all,
    scheduler: {
      after: (_ms, run) => {
        due.push(run);
        return () => undefined;
      },
    },
  });
  const passSecond = (): void => {
    for (const run of due.splice(0)) run();
  };
  return { lines, told, passSecond };
}

test("failures have a line, and good requests where all are wanted", () => {
  const told = (all: boolean) =>
    (["ok", "error", "client_left", "upstream_cut", "refused"] as const).filter((outcome) =>
      watch(all).lines.isTold(outcome),
    );
  expect(told(false)).toEqual(["error", "upstream_cut", "refused"]);
  expect(told(true)).toEqual(["ok", "error", "client_left", "upstream_cut", "refused"]);
});

test("equal failures are told once a second, with their number; others at once", () => {
  const { lines, told, passSecond } = watch(true);
  for (const requestId of ["1", "2", "3"]) lines.ended({ ...FAILED, requestId, asked: `model-${requestId}` });
  lines.ended({ ...FAILED, requestId: "4", key: "other" });
  lines.ended({ ...OK, requestId: "5" });
  lines.ended({ ...OK, requestId: "6" });
  expect(told.splice(0)).toEqual(["1 error 1", "4 error 1", "5 ok 1", "6 ok 1"]);
  passSecond();
  expect(told.splice(0)).toEqual(["3 error 2"]);
  lines.ended({ ...FAILED, requestId: "7" });
  lines.ended({ ...FAILED, requestId: "8" });
  lines.flush();
  expect(told).toEqual(["7 error 1", "8 error 1"]);
});

test("a stranger who asks for ten thousand paths gets one line a second", () => {
  const { lines, told, passSecond } = watch(false);
  for (let i = 0; i < 10_000; i++)
    lines.refused(String(i), new GatewayError("route_not_found", "nothing"), `GET /${i}`);
  passSecond();
  expect(told).toEqual(["0 refused 1", "9999 refused 9999"]);
});

test("a text that may repeat a prompt or an upstream's reply is no reason", () => {
  expect(reasonOf(new GatewayError("bad_request", "the field messages[0] is 'tell me'"))).toBeNull();
  expect(reasonOf(new GatewayError("upstream_error", "they said no"))).toBeNull();
  expect(reasonOf(new GatewayError("model_not_found", 'there is no model "m"'))).toBe(
    'there is no model "m"',
  );
});
