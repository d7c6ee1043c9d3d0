/** Takes signatures out of a request. */
import type { JsonObject } from "../../core/json.ts";
import { asArray, asObject } from "../../wire/json.ts";
import { DUMMY_SIGNATURE, memberIn, nameIn, withMember } from "./wire.ts";

/**
 * The body without signatures; null: it has none. The first call of a turn that had one gets the stand-in.
 */
export function withoutSeals(body: JsonObject): JsonObject | null {
  let hasSeal = false;
  const contents = asArray(memberIn(body, "contents")).map((entry) => {
    const content = asObject(entry);
    if (content === null) return entry;
    let isFirstCall = true;
    const parts = asArray(memberIn(content, "parts")).map((each) => {
      const part = asObject(each);
      if (part === null) return each;
      const isCall = memberIn(part, "functionCall") !== null;
      const isReplaced = isCall && isFirstCall;
      if (isCall) isFirstCall = false;
      const name = nameIn(part, "thoughtSignature");
      if (!Object.hasOwn(part, name) || part[name] === DUMMY_SIGNATURE) return each;
      hasSeal = true;
      if (isReplaced) return { ...part, [name]: DUMMY_SIGNATURE };
      return Object.fromEntries(Object.entries(part).filter(([key]) => key !== name));
    });
    // An empty text was there only for its signature.
    return withMember(
      content,
      "parts",
      parts.filter((part) => !isEmptyText(part)),
    );
  });
  return hasSeal ? withMember(body, "contents", contents) : null;
}

function isEmptyText(part: unknown): boolean {
  const object = asObject(part);
  return (
    object !== null &&
    object.text === "" &&
    Object.keys(object).every((name) => name === "text" || name === "thought")
  );
}
