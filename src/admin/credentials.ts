/** The board of credentials, and what a person does with one. */
import type { CredentialStatus } from "../pool/credential.ts";
import { RESET_REASON } from "../pool/park.ts";
import type { Acts } from "./acts/acts.ts";
import { credentialChangeOf } from "./acts/credential-undo.ts";
import { AdminError } from "./admin-error.ts";
import type { AdminContext } from "./context.ts";
import { CredentialDays } from "./credentials/credential-day.ts";
import { credentialState, DRAINED, PAUSED } from "./credentials/credential-state.ts";
import type { Handler, Handlers } from "./handler.ts";

type Act = "pauseCredential" | "drainCredential" | "enableCredential" | "resetCredential";

export function makeCredentialHandlers(
  context: AdminContext,
  acts: Acts,
): Pick<Handlers, "listCredentials" | Act> {
  const days = new CredentialDays(context);
  const act =
    (what: Act, word: string, state: "off" | "ready", reason: string): Handler<Act> =>
    ({ params: { upstream, name }, ...actor }) => {
      const id = `${upstream}/${name}`;
      const before = statusNow(context, id);
      context.pool.switchTo(id, state, reason);
      const after = statusNow(context, id);
      const shown = { path: `credentials[${id}]`, before: null, after: word };
      const undo = acts.credential(actor, what, shown, credentialChangeOf(before, after));
      return { credential: credentialState(after, context.away(upstream)), undo };
    };
  return {
    async listCredentials() {
      const factsOf = await days.facts();
      return {
        nowMs: context.clock.nowMs(),
        credentials: context.pool.list().map((status) => ({
          ...credentialState(status, context.away(status.upstream)),
          ...factsOf(status.id),
        })),
      };
    },
    pauseCredential: act("pauseCredential", "paused", "off", PAUSED),
    drainCredential: act("drainCredential", "drained", "off", DRAINED),
    enableCredential: act("enableCredential", "enabled", "ready", RESET_REASON),
    resetCredential: act("resetCredential", "reset", "ready", RESET_REASON),
  };
}

function statusNow({ pool }: AdminContext, id: string): CredentialStatus {
  const status = pool.list().find((one) => one.id === id);
  if (status !== undefined) return status;
  throw new AdminError("not_found", `there is no credential "${id}" in the configuration in force`);
}
