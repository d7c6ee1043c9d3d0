import { expect, test } from "bun:test";
import { ERRORS } from "./errors.ts";

test("docs/errors.md lists every kind of error as the table has it, and no other", async () => {
  const page = await Bun.file(`${import.meta.dir}/../../docs/errors.md`).text();
  const rows = [...page.matchAll(/^\| `(\w+)` \| (\d+) \| (\w+) \| (yes|no) \| (.+) \|$/gm)];

  const told = Object.fromEntries(
    rows.map(([, kind, status, origin, again]) => [
      kind,
      { status: Number(status), origin, retryable: again === "yes" },
    ]),
  );
  expect(told).toEqual(ERRORS);
  expect(rows).toHaveLength(Object.keys(ERRORS).length);
});
