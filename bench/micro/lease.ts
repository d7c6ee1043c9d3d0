import type { Need } from "../../src/pool/need.ts";
import type { Pool } from "../../src/pool/pool.ts";

/** Leases a credential and reports its success, once a call. A tree of before takes the parts of a need one by one. */
export function leaseAndReport(pool: Pool, upstream: string, model: string): () => void {
  const need: Need = {
    upstream,
    model,
    excluded: null,
    stickyTo: null,
    key: "bench",
    inputTokens: 0,
    outputTokens: 0,
    prefix: null,
  };
  const parts = [upstream, model, null, null, "bench"] as unknown as [Need];
  const isOlder = pool.lease.length > 1;
  return () => {
    const result = isOlder ? pool.lease(...parts) : pool.lease(need);
    if (!("lease" in result)) throw new Error("no credential is free");
    pool.report(result.lease, model, { class: "ok" });
  };
}
