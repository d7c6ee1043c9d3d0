import { useMutation, useQueryClient } from "@tanstack/react-query";
import { call } from "../../lib/api.ts";
import { CREDENTIALS_KEY } from "../../lib/follow-live.ts";

/** An entry of `[[upstreams]]`, as the configuration writes it. */
export type UpstreamEntry = Readonly<Record<string, unknown>>;

/** Adds upstreams with their credentials to the configuration, all or none. */
export function useAddUpstreams() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async (upstreams: readonly UpstreamEntry[]) => {
      const { version } = await call("getSettings", {});
      const changes = upstreams.map((add) => ({ path: "upstreams", add }));
      return await call("changeSettings", { body: { version, changes } });
    },
    onSuccess: () =>
      Promise.all(
        [CREDENTIALS_KEY, ["models"], ["settings"]].map((queryKey) =>
          queries.invalidateQueries({ queryKey }),
        ),
      ),
  });
}
