/** The board of credentials, and what a person does with one. */
import { RESET_REASON } from "../pool/park.ts";
import { AdminError } from "./admin-error.ts";
import type { AdminContext } from "./context.ts";
import { CredentialDays } from "./credentials/credential-day.ts";
import { credentialState, DRAINED, PAUSED } from "./credentials/credential-state.ts";
import type { Handler, Handlers } from "./handler.ts";

type Act = "pauseCredential" | "drainCredential" | "enableCredential" | "resetCredential";

export function makeCredentialHandlers(context: AdminContext): Pick<Handlers, "listCredentials" | Act> {
  const days = new CredentialDays(context);
  const act =
    (state: "off" | "ready", reason: string): Handler<Act> =>
    ({ params: { upstream, name } }) => {
      const id = `${upstream}/${name}`;
      if (!context.pool.switchTo(id, state, reason)) throw unknownCredential(id);
      return { credential: stateNow(context, id) };
    };
  return {
    async listCredentials() {
      const factsOf = await days.facts();
      return {
        nowMs: context.clock.nowMs(),
        credentials: context.pool
          .list()
          .map((status) => ({ ...credentialState(status), ...factsOf(status.id) })),
      };
    },
    pauseCredential: act("off", PAUSED),
    drainCredential: act("off", DRAINED),
    enableCredential: act("ready", RESET_REASON),
    resetCredential: act("ready", RESET_REASON),
  };
}

function stateNow({ pool }: AdminContext, id: string) {
  const status = pool.list().find((one) => one.id === id);
  if (status === undefined) throw unknownCredential(id);
  return credentialState(status);
}

function unknownCredential(id: string): AdminError {
  return new AdminError("not_found", `there is no credential "${id}" in the configuration in force`);
}
