/** The handler of each operation. */
import type { Access } from "./access/access.ts";
import { AdminError } from "./admin-error.ts";
import { makeAuditHandlers } from "./audit.ts";
import type { ConfigChanges } from "./config-changes.ts";
import type { AdminContext } from "./context.ts";
import type { OperationName } from "./contract.ts";
import { makeCredentialChangeHandlers } from "./credential-changes.ts";
import type { Handler, Handlers } from "./handler.ts";
import { makeOpenApi } from "./openapi.ts";
import { makeSessionHandlers } from "./session.ts";
import { makeSettingsHandlers } from "./settings.ts";

export function makeHandlers(context: AdminContext, access: Access, changes: ConfigChanges): Handlers {
  return {
    ...makeSessionHandlers(context, access),
    ...makeSettingsHandlers(context, changes),
    ...makeCredentialChangeHandlers(context, changes),
    ...makeAuditHandlers(context, changes),
    getOverview: planned,
    getAttention: planned,
    listCredentials: planned,
    testCredential: planned,
    pauseCredential: planned,
    drainCredential: planned,
    enableCredential: planned,
    resetCredential: planned,
    listRequests: planned,
    getRequest: planned,
    listKeys: planned,
    getKey: planned,
    createKey: planned,
    changeKey: planned,
    rotateKey: planned,
    revokeKeys: planned,
    pauseKeys: planned,
    resumeKeys: planned,
    listModels: planned,
    explain: planned,
    live: planned,
    try: planned,
    getOpenApi: () => makeOpenApi(context.version),
  };
}

const planned: Handler<OperationName> = () => {
  throw new AdminError("unavailable", "this version does not have the operation yet");
};
