/** The ways to the upstreams, and a look at all that the gateway needs. */
import { proxyFor } from "../../config/network/proxy-for.ts";
import type { Via } from "../../config/network/via.ts";
import type { UpstreamView } from "../../snapshot.ts";
import { AdminError } from "../admin-error.ts";
import type { AdminContext } from "../context.ts";
import type { Handlers } from "../handler.ts";

export function makeNetworkHandlers(context: AdminContext): Pick<Handlers, "getNetwork" | "examine"> {
  const { snapshot, away, unreachable, proxies, examine } = context;
  return {
    getNetwork: () => {
      const cutOff = unreachable();
      return {
        upstreams: [...snapshot().upstreams.values()].map((upstream) => ({
          name: upstream.name,
          origin: new URL(upstream.baseUrl).origin,
          isReachable: !cutOff.includes(upstream.name) && away(upstream.name) === null,
          ways: [...upstream.credentials.values()].map(({ id, via }) => ({
            credential: id,
            proxy: proxyOf(upstream, via),
          })),
        })),
        proxies: [...proxies()],
      };
    },
    async examine({ body: { upstream } }) {
      if (upstream !== undefined && !snapshot().upstreams.has(upstream))
        throw new AdminError("not_found", `there is no upstream "${upstream}" in the configuration in force`);
      return { findings: await examine(upstream ?? null) };
    },
  };
}

/** Without its login; null: the way is direct. */
function proxyOf({ baseUrl }: UpstreamView, via: Via): string | null {
  const { hostname, port, protocol } = new URL(baseUrl);
  const isSecure = protocol === "https:";
  const number = port === "" ? (isSecure ? 443 : 80) : Number(port);
  return proxyFor(via, hostname.replace(/^\[|\]$/g, ""), number, isSecure)?.name ?? null;
}
