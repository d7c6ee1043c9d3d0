/** Reads the errors of OpenAI and of servers like it. */
import { asObject, asString } from "../../wire/json.ts";
import type { DecodedError } from "../dialect.ts";
import { errorEnvelope, messageIn, plainError, unwrapError } from "../shared/error-body.ts";

export function decodeError(body: string): DecodedError {
  const outer = errorEnvelope(body);
  if (outer === null) return plainError(body);
  const error = unwrapError(asObject(outer.error) ?? outer);
  return {
    message: messageIn(error),
    // A number in `code` repeats the HTTP status.
    code: asString(error.code) ?? asString(error.status) ?? asString(error.type),
    param: asString(error.param),
  };
}
