import { useQuery } from "@tanstack/react-query";
import { call } from "../../lib/api.ts";
import { CREDENTIALS_KEY } from "../../lib/follow-live.ts";
import { readPreference } from "../../lib/preference.ts";
import type { Overview } from "./metrics.ts";

type Guide = "unknown" | "due" | "not-due";

/** Whether the first steps open in place of the overview: nothing was ever answered, or there is nobody to ask. */
export function useGuide(overview: Overview | undefined): Guide {
  // Where something was answered just now, nothing more is asked for.
  const mayBeDue =
    overview !== undefined &&
    overview.totals.requests === overview.totals.errors &&
    readPreference("guide") === null;
  const credentials = useQuery({
    queryKey: CREDENTIALS_KEY,
    queryFn: ({ signal }) => call("listCredentials", { signal }),
    enabled: mayBeDue,
    staleTime: 0,
  });
  const answered = useQuery({
    queryKey: ["requests", "answered"],
    queryFn: ({ signal }) => call("listRequests", { query: { status: "ok", limit: "1" }, signal }),
    enabled: mayBeDue,
    staleTime: 0,
  });
  if (overview === undefined) return "unknown";
  if (!mayBeDue || credentials.error !== null || answered.error !== null) return "not-due";
  // What was known before the page was opened may have changed in the first steps.
  if (!credentials.isFetchedAfterMount || !answered.isFetchedAfterMount) return "unknown";
  if (credentials.data?.credentials.length === 0) return "due";
  return answered.data?.rows.length === 0 ? "due" : "not-due";
}
