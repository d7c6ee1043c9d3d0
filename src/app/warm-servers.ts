/** The servers that connections are kept open to, by each way that a credential has. */
import type { Snapshot } from "../snapshot.ts";
import type { WarmServer } from "../transport/call.ts";

export function warmServers({ upstreams }: Pick<Snapshot, "upstreams">): readonly WarmServer[] {
  return [...upstreams.values()].flatMap(({ credentials }) =>
    [...credentials.values()].map(({ baseUrl, via }) => ({ url: baseUrl, via })),
  );
}
