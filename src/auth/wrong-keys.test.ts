import { expect, test } from "bun:test";
import { WrongKeys } from "./wrong-keys.ts";

test("the reply to a wrong key comes after a while; beyond a number that wait, replies come at once", async () => {
  const due: (() => void)[] = [];
  const keys = new WrongKeys({
    after: (_, run) => {
      due.push(run);
      return () => undefined;
    },
  });
  const first = keys.late(new Response("first"));
  let isAtOnce = false;
  while (!isAtOnce) isAtOnce = keys.late(new Response()) instanceof Response;
  expect(due).toHaveLength(512);
  due[0]?.();
  expect(await (await first).text()).toBe("first");
  expect(keys.late(new Response())).toBeInstanceOf(Promise);
});
