/** The keys of `[capture]`: whether requests are kept with their heads and bodies, and how much of them. Keys say whose. */
import * as v from "valibot";
import { rule, table, whole, withDefault } from "../schema-rules.ts";

const MAX_FILE_BYTES = 1_099_511_627_776;
const MAX_AGE_S = 31_536_000;
const MAX_BODY_BYTES = 16_777_216;
const MAX_MEMORY_BYTES = 4_294_967_296;

const headerName = v.pipe(
  v.string(),
  v.toLowerCase(),
  rule(
    (value) => /^[a-z0-9!#$%&'*+.^_`|~-]{1,64}$/.test(value),
    "is not the name of a header",
    'write the name alone, as in "x-forwarded-for"',
  ),
);

export const capture = table({
  enabled: withDefault(
    v.boolean(),
    false,
    "reload",
    "Keep heads and bodies of the requests of keys with `capture = true`, for the admin to show: prompts and answers are then on the disk, in `capture.db` in the data folder, sealed with the secret in `capture.key`. Credentials are masked. When it is switched off, what is kept stays for `max_age_s`, or until somebody deletes it.",
  ),
  max_bytes: withDefault(
    whole(1_048_576, MAX_FILE_BYTES),
    268_435_456,
    "reload",
    "Size of all captured requests. When it is full, the oldest go.",
  ),
  max_age_s: withDefault(
    whole(60, MAX_AGE_S),
    86_400,
    "reload",
    "How long a captured request is kept, in seconds.",
  ),
  body_bytes: withDefault(
    whole(1_024, MAX_BODY_BYTES),
    1_048_576,
    "reload",
    "Most that is kept of one body. Of a longer one the beginning is kept, with a mark.",
  ),
  memory_bytes: withDefault(
    whole(1_048_576, MAX_MEMORY_BYTES),
    33_554_432,
    "reload",
    "Memory for bodies until they are written. While it is full, requests are served, and not captured or not in full.",
  ),
  redact_headers: withDefault(
    v.array(headerName),
    [],
    "reload",
    "Names of headers that are masked beside those that hold a credential, such as `x-forwarded-for`.",
  ),
});
