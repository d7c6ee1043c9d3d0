/** The keys of `[cache]`: how much the response cache keeps, and where. Keys and models say for whom it is on. */
import * as v from "valibot";
import { table, whole, withDefault } from "../schema-rules.ts";

const MAX_MEMORY_BYTES = 68_719_476_736;
const MAX_LIFE_S = 31_536_000;
const MAX_FILE_BYTES = 1_099_511_627_776;

export const cache = table({
  memory_bytes: withDefault(
    whole(0, MAX_MEMORY_BYTES),
    67_108_864,
    "reload",
    "Memory for answers, those on their way to several clients included. An answer of more than an eighth of it is not kept. At least 65536, or 0: the cache is off for all.",
  ),
  life_s: withDefault(
    whole(1, MAX_LIFE_S),
    3_600,
    "reload",
    "How long an answer is given again from memory, in seconds.",
  ),
  file: withDefault(
    v.boolean(),
    false,
    "reload",
    "Keep answers in the data folder too, in `cache.db`, so that they outlive memory and the process. They are sealed with the secret in `cache.key`. Both files are overwritten and deleted when this is switched off.",
  ),
  file_bytes: withDefault(
    whole(1_048_576, MAX_FILE_BYTES),
    268_435_456,
    "reload",
    "Size of the answers in the file. When it is full, those go that were not used for longest.",
  ),
  file_life_s: withDefault(
    whole(1, MAX_LIFE_S),
    86_400,
    "reload",
    "How long an answer is given again from the file, in seconds.",
  ),
});
