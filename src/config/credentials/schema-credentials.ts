/** The keys of `[[upstreams.credentials]]`. */
import * as v from "valibot";
import { credentialProxy } from "../network/schema-network.ts";
import { limitValues, timeZone, usd } from "../schema-keys.ts";
import {
  label,
  modelPattern,
  optional,
  required,
  rule,
  secret,
  secretNote,
  whole,
  withDefault,
} from "../schema-rules.ts";
import { parseHours } from "./active-hours.ts";
import { isProjectId } from "./google-key.ts";

const hours = v.pipe(
  v.string(),
  rule(
    (value) => parseHours(value) !== null,
    "is not a span of hours",
    'write the beginning and the end, as in "08:00-18:30" or "22:00-06:00"; remove the line for all hours',
  ),
);

/** It becomes a part of paths. */
const project = v.pipe(
  v.string(),
  rule(isProjectId, "is not the id of a project", 'write the id in lower case, as in "my-project-123"'),
);
/** It becomes a part of hosts. */
const region = v.pipe(
  v.string(),
  rule(
    (value) => /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(value),
    "is not the name of a region",
    'write the name in lower case, as in "europe-west1"',
  ),
);

export const credential = v.object({
  name: required(
    label,
    "reload",
    "Name of the credential in lists, logs and the ledger. Unique within its upstream.",
  ),
  api_key: required(
    secret,
    "reload",
    `The provider's key: ${secretNote}. Family vertex: the JSON key of a service account, \`application-default\` (the credentials of this machine, as Google's clients find them), \`metadata-server\`, or an API key; other credentials of Google's, such as those of workload identity, only by \`file:PATH\`.`,
  ),
  proxy: credentialProxy,
  project: optional(
    project,
    "reload",
    "Family vertex only: the Google Cloud project that requests are for and are billed to. Default: the one of the service account's key; an API key needs none.",
  ),
  region: optional(
    region,
    "reload",
    'Family vertex only: the region that serves requests, as in `"us-east5"`; `"us"` and `"eu"` are multi-regions. Each project and region has quotas of its own, so each is a credential. Default: `"global"`.',
  ),
  priority: withDefault(
    whole(-1000, 1000),
    0,
    "reload",
    "Credentials with the lowest number are used first. Credentials with the same number take turns.",
  ),
  weight: withDefault(
    whole(1, 100),
    1,
    "reload",
    "Its part of the requests among credentials with the same priority: 2 gets twice as many as 1. What caches hold of a prompt, and the room in limits, come first.",
  ),
  scope: optional(
    v.picklist(["credential", "model"]),
    "reload",
    "What a rate limit blocks: the whole credential, or only the model of the request. A limit that the provider says is one model's blocks that model alone. Default: `model`, because Anthropic, Google and OpenAI count by model; `credential` for family openai with a `base_url` other than api.openai.com.",
  ),
  models: optional(
    v.pipe(
      v.array(modelPattern),
      v.minLength(
        1,
        "is empty, so the credential could serve no model\nname at least one, or remove the line for all",
      ),
    ),
    "reload",
    "The models that the credential may serve: the upstream's names. A `*` stands for any text. Default: all.",
  ),
  active_hours: optional(
    hours,
    "reload",
    'The hours of the day in which the credential may be used, as in `"08:00-18:30"`; `"22:00-06:00"` runs over midnight. A running request is not cut. Default: all.',
  ),
  time_zone: withDefault(
    timeZone,
    "UTC",
    "reload",
    "Zone of `active_hours` and of the days and months of the budgets, by its IANA name.",
  ),
  concurrency: optional(
    limitValues.concurrency,
    "reload",
    "Most requests at the same time, streams to their end.",
  ),
  requests_per_minute: optional(limitValues.requests, "reload", "Most requests in any 60 seconds."),
  tokens_per_minute: optional(
    limitValues.tokens,
    "reload",
    "Most tokens of prompts and answers in any 60 seconds. The longest answer counts until the real one is known.",
  ),
  budget_usd_per_day: optional(
    usd,
    "reload",
    "Most dollars a day, as text with at most nine decimals. What a request may cost at most is held until its cost is known. A model without a price: see `limits.unpriced`.",
  ),
  budget_usd_per_month: optional(usd, "reload", "Most dollars a calendar month."),
});
