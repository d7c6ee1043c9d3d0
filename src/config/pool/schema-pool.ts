/** The keys of `[pool]`. */
import * as v from "valibot";
import { MAX_BODY_BYTES, table, whole, withDefault } from "../schema-rules.ts";

/** A thousand dollars. */
const MAX_WORTH_NANO_USD = 1e12;

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
  affinity: withDefault(
    v.boolean(),
    true,
    "reload",
    "Send a conversation to the credential whose provider holds its earlier turns in the prompt cache. When off, credentials take turns for every request.",
  ),
  warm_wait_ms: withDefault(
    whole(0, 60_000),
    2_000,
    "reload",
    "Longest wait of a request for the credential that holds its prompt in the cache, while that one has no room and another one has. 0: such a request goes to another credential at once. Needs a `max_wait_s` above 0.",
  ),
  warm_worth_nano_usd: withDefault(
    whole(0, MAX_WORTH_NANO_USD),
    10_000_000,
    "reload",
    "What that wait has to save, in billionths of a dollar, by the price list: the tokens that the cache holds, at the price of input less that of cached input. 10000000 is one cent. A model without a price is never waited for.",
  ),
});
