/** The keys of `[admin]`. */
import * as v from "valibot";
import { usd } from "../schema-keys.ts";
import { optional, rule, secret, secretNote, withDefault } from "../schema-rules.ts";
import { parseListen } from "./listen-address.ts";

const listenAddress = v.pipe(
  v.string(),
  rule(
    (value) => parseListen(value) !== null,
    "is not an address with a port",
    'write the value as in "127.0.0.1:8485" or "[::1]:8485"',
  ),
);

export const admin = v.optional(
  v.object({
    password: optional(
      secret,
      "reload",
      `Password of the admin: ${secretNote}, or its argon2id hash. At the start a text is replaced by its hash in the file; when there is no password, one is made, printed once and kept as a hash. Another password ends all sessions. Without \`[admin]\` the admin is off.`,
    ),
    listen: optional(
      listenAddress,
      "start",
      'Address and port of its own for the admin and its API, as in `"127.0.0.1:8485"`. Without it they are at `/admin` of the main port.',
    ),
    allow_private: withDefault(
      v.boolean(),
      false,
      "reload",
      "Let `base_url` of an upstream be set in the admin to an address that is not public, such as this machine or a private network. Such addresses in the file are good without it, and the admin itself cannot change this key.",
    ),
    budget_usd_per_day: withDefault(
      usd,
      "5.00",
      "reload",
      "Most dollars a day (UTC) that requests of the admin itself may cost: tests of credentials and the playground.",
    ),
  }),
);
