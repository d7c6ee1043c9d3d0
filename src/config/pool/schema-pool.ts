/** The keys of `[pool]`. */
import { MAX_BODY_BYTES, table, whole, withDefault } from "../schema-rules.ts";

export const pool = table({
  max_wait_s: withDefault(
    whole(0, 3_600),
    30,
    "reload",
    "Longest wait of a request for a credential, in seconds, while all that could serve it are limited. A request that cannot be served in that time gets its 429 at once. 0: requests never wait.",
  ),
  max_waiting: withDefault(
    whole(1, 100_000),
    1_000,
    "reload",
    "The most requests that wait at once. When so many wait, the key with the most of them gives way to a key with fewer; any other request gets its 429 at once.",
  ),
  max_waiting_bytes: withDefault(
    whole(1, MAX_BODY_BYTES),
    67_108_864,
    "reload",
    "The most memory that the bodies of waiting requests may take. The same rule holds when it is used up.",
  ),
});
