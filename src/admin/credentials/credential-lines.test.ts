import { expect, test } from "bun:test";
import { parseToml } from "../../config/toml/toml.ts";
import { readCredentialLines } from "./credential-lines.ts";

const { root } = parseToml('[[upstreams]]\nname = "a"\nfamily = "anthropic"\n');
const read = (text: string) => readCredentialLines(root, text, "a", []);
const added = (text: string): unknown[] =>
  read(text).changes.flatMap((change) =>
    change.kind === "insert" ? [change.value, ...(change.more ?? [])].map((one) => ({ ...one })) : [],
  );

const KEY = "sk-ant-api03-abcdefgh";

test("a name may stand before the key, apart from it or with a sign", () => {
  for (const [line, name, key] of [
    [KEY, "key-1", KEY],
    [`alice ${KEY}`, "alice", KEY],
    [`alice=${KEY}`, "alice", KEY],
    [`alice = ${KEY}`, "alice", KEY],
    [`  alice smith\t=${KEY}\r`, "alice smith", KEY],
    [`alice "${KEY}"`, "alice", KEY],
    [`${KEY}=`, "key-1", `${KEY}=`],
    [`alice ${KEY}==`, "alice", `${KEY}==`],
  ] as const)
    expect([line, added(line)]).toEqual([line, [{ name, api_key: key }]]);
});

test("a line of spaces alone between its words costs no more than its length", () => {
  const line = `a${" ".repeat(200_000)}b c${" ".repeat(200_000)}=d e`;
  expect(read(line).results).toMatchObject([{ isAdded: false, problem: "shape" }]);
});

test("a thousand keys are one change of each list", () => {
  const lines = Array.from({ length: 1_001 }, (_, index) => `${KEY}-${index}`).join("\n");
  const { changes, results } = read(lines);
  expect(changes).toHaveLength(1);
  expect(results.filter(({ isAdded }) => isAdded)).toHaveLength(1_000);
  expect(results.at(-1)).toMatchObject({ line: 1_001, isAdded: false, problem: "shape" });
});
