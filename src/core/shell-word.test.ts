import { expect, test } from "bun:test";
import { shellWord } from "./shell-word.ts";

test.each(["clewline.toml", "/opt/my apps/it's here", "$(id)", "", "a\nb", "~"])(
  "a shell reads %p as one word",
  (text) => {
    const { stdout } = Bun.spawnSync(["sh", "-c", `printf '%s|' ${shellWord(text)}`]);
    expect(stdout.toString()).toBe(`${text}|`);
  },
);

test("a plain word has no quotes", () => {
  expect(shellWord("/etc/clewline/clewline.toml")).toBe("/etc/clewline/clewline.toml");
});
