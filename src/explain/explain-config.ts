/** Explains a request by a configuration alone, without a gateway that runs. */
import { makePrincipal } from "../auth/keys.ts";
import { PLAIN_SETTINGS } from "../config/client-keys.ts";
import type { Config } from "../config/config.ts";
import { systemClock } from "../core/clock.ts";
import { GatewayError } from "../core/errors.ts";
import { ObservedTargets } from "../proxy/order/observed-targets.ts";
import { makeSnapshot, type SnapshotOptions } from "../snapshot.ts";
import { makeSealMemory } from "../translate/seal-memory.ts";
import { LearnedRepairs } from "../upstreams/refusals/learned-repairs.ts";
import { type Explanation, explain } from "./explain.ts";
import { routeOfPath } from "./route-of-path.ts";

/** Throws `GatewayError` for a request that the gateway would refuse. */
export async function explainByConfig(
  config: Config,
  options: Pick<SnapshotOptions, "prices">,
  question: { readonly path: string; readonly body: Uint8Array; readonly id: string; readonly atMs: number },
): Promise<Explanation> {
  const found = routeOfPath(question.path);
  if (found === null) {
    throw new GatewayError(
      "bad_path",
      `${question.path} is none of the model routes; docs/routes.md lists the routes`,
    );
  }
  return explain(
    {
      snapshot: makeSnapshot(config, options),
      memory: makeSealMemory(0),
      repairs: new LearnedRepairs(systemClock),
      observed: new ObservedTargets(),
      clock: systemClock,
    },
    {
      ...question,
      ...found,
      headers: new Headers({ "content-type": "application/json" }),
      principal: makePrincipal({ name: "explain", keySha256: "", ...PLAIN_SETTINGS }),
    },
  );
}
