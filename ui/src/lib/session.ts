/** Who is signed in. */
import { type QueryClient, queryOptions, useQuery } from "@tanstack/react-query";
import type { ReplyOf } from "../../../src/admin/contract.ts";
import { call, setCsrf } from "./api.ts";

export type Session = ReplyOf<"getSession">;

export const sessionQuery = queryOptions({
  queryKey: ["session"],
  queryFn: async ({ signal }): Promise<Session> => {
    const session = await call("getSession", { signal });
    setCsrf(session.csrf);
    return session;
  },
  // It ends by itself, and another window may end it.
  refetchInterval: 60_000,
});

export function useSession(): Session | undefined {
  return useQuery(sessionQuery).data;
}

/** Shows the sign-in page, and forgets what the pages have read. */
export function forgetSession(queries: QueryClient): void {
  setCsrf(null);
  queries.setQueryData<Session>(sessionQuery.queryKey, (before) =>
    before === undefined ? before : { ...before, signedIn: false, csrf: null, expiresAtMs: null },
  );
  queries.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== "session" });
}
