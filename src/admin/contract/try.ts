/** Requests of models that the admin itself makes. */
import * as v from "valibot";
import type { Operation } from "./operation.ts";

export const TRY = {
  try: {
    method: "POST",
    path: "/try",
    who: "signed-in-changing",
    summary:
      "Sends a client's request as the principal admin, within `[admin] budget_usd_per_day`; the reply is the model's own.",
    body: v.strictObject({
      /** A route of models, as in `/v1/chat/completions`. */
      path: v.pipe(v.string(), v.maxLength(512)),
      body: v.record(v.string(), v.unknown()),
      headers: v.optional(
        v.record(
          v.pipe(v.string(), v.regex(/^[a-zA-Z0-9-]{1,64}$/)),
          v.pipe(v.string(), v.regex(/^[\x20-\x7e]{0,4096}$/)),
        ),
        {},
      ),
    }),
    reply: "bytes",
  },
} as const satisfies Record<string, Operation>;
