import { expect, test } from "bun:test";
import { DIALECTS } from "../dialects/index.ts";
import { ERRORS, type ErrorKind, GatewayError } from "./errors.ts";

test("docs/errors.md lists every kind of error as the code has it, and no other", async () => {
  const page = await Bun.file(`${import.meta.dir}/../../docs/errors.md`).text();
  const rows = [
    ...page.matchAll(/^\| `(\w+)` \| (\d+) \| (\d+) \| (\d+) \| (\w+) \| (yes|no) \| (.+) \|$/gm),
  ];
  const told = Object.fromEntries(
    rows.map(([, kind, openai, anthropic, gemini, origin, again]) => [
      kind,
      { statuses: [openai, anthropic, gemini].map(Number), origin, retryable: again === "yes" },
    ]),
  );

  const statuses = (kind: ErrorKind): number[] =>
    (["openai-chat", "anthropic-messages", "gemini"] as const).map(
      (dialect) => DIALECTS[dialect].renderError(new GatewayError(kind, "a message"), "an-id").status,
    );
  const kinds = Object.keys(ERRORS) as ErrorKind[];
  expect(told).toEqual(
    Object.fromEntries(
      kinds.map((kind) => {
        const { origin, retryable } = ERRORS[kind];
        return [kind, { statuses: statuses(kind), origin, retryable }];
      }),
    ),
  );
  expect(rows).toHaveLength(kinds.length);
});
