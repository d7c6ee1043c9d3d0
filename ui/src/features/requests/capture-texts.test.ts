import { expect, test } from "bun:test";
import { curlOf } from "./capture-curl.ts";
import { type Captured, partsBeside, readableText } from "./capture-texts.ts";

const BODY = { text: null, base64: null, bytes: 0, isCut: false };
const captured = (request: Partial<Captured["request"]>): Captured => ({
  id: "01",
  atMs: 0,
  key: "me",
  dialect: "openai-chat",
  request: { method: "POST", path: "/v1/chat/completions", headers: [], body: null, ...request },
  reply: null,
  calls: [],
  callsLeftOut: 0,
});

test("JSON has a member a line, and the numbers of events stand before them", () => {
  expect(readableText('{"a":[1]}')).toBe('{\n  "a": [\n    1\n  ]\n}');
  expect(readableText('event: x\r\ndata: {"a":1}\r\n\r\n: ping\n\ndata: [DONE]\n\n')).toBe(
    '#1 x\n{\n  "a": 1\n}\n\n#2\n: ping\n\n#3\n[DONE]',
  );
});

test("what is neither, and what is cut off, stays as it is", () => {
  for (const text of ["", "<html>", '{"a":', "12", "null"]) expect(readableText(text)).toBe(text);
});

test("lines that only one of two texts has are told apart, wherever they stand", () => {
  const one = readableText('{"model":"a","stream":true,"n":1}');
  const other = readableText('{"n":1,"model":"b","stream":true}');
  const parts = partsBeside(one, other);
  expect(parts.filter(({ isOwn }) => isOwn).map(({ text }) => text.trim())).toEqual(['"model": "a",']);
  expect(parts.map(({ text }) => text).join("\n")).toBe(one);
  expect(partsBeside(one, null)).toEqual([{ text: one, isOwn: false }]);
  expect(partsBeside("", "")).toEqual([{ text: "", isOwn: false }]);
});

test("a request for a shell runs as it was sent, and takes its key from the shell's variable", () => {
  const text = `{"model":"m","text":"it's $HOME \`x\` @file"}`;
  const curl = curlOf(
    "http://127.0.0.1:8484",
    captured({
      path: "/v1/chat/completions?key=[redacted]&a=b",
      headers: [
        ["host", "gateway"],
        ["authorization", "[redacted]"],
        ["content-type", "application/json"],
        ["content-length", "12"],
        ["x-note", "it's"],
      ],
      body: { ...BODY, text, bytes: text.length },
    }),
  );
  expect(curl).toBe(
    [
      "curl -N 'http://127.0.0.1:8484/v1/chat/completions?a=b'",
      '-H "authorization: Bearer $CLEWLINE_KEY"',
      "-H 'content-type: application/json'",
      "-H 'x-note: it'\\''s'",
      `--data-raw '${text.replace("'", "'\\''")}'`,
    ].join(" \\\n  "),
  );
  const { stdout } = Bun.spawnSync(["sh", "-c", (curl as string).replace(/^curl/, "printf '%s\\n'")], {
    env: { CLEWLINE_KEY: "from-the-shell" },
  });
  const sent = stdout.toString().split("\n");
  expect(sent).toContain(text);
  expect(sent).toContain("authorization: Bearer from-the-shell");
});

test("without a body there is none to send, and a body that is not whole is not sent as if it were", () => {
  expect(curlOf("http://g", captured({ method: "GET", path: "/v1/responses/resp_1" }))).toBe(
    "curl -N 'http://g/v1/responses/resp_1' \\\n  -X 'GET' \\\n  -H \"authorization: Bearer $CLEWLINE_KEY\"",
  );
  expect(curlOf("http://g", captured({ body: { ...BODY, text: "{", isCut: true } }))).toBeNull();
  expect(curlOf("http://g", captured({ body: { ...BODY, base64: "AAAA" } }))).toBeNull();
});
