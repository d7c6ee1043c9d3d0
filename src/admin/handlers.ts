/** The handler of each operation. */
import type { Access } from "./access/access.ts";
import type { Acts } from "./acts/acts.ts";
import { makeAuditHandlers } from "./audit.ts";
import { makeCaptureHandlers } from "./captures.ts";
import type { ConfigChanges } from "./config-changes.ts";
import type { AdminContext } from "./context.ts";
import { makeCredentialChangeHandlers } from "./credentials/credential-changes.ts";
import { makeSimulatorHandlers } from "./credentials/simulator-upstreams.ts";
import { makeCredentialHandlers } from "./credentials.ts";
import type { Handlers } from "./handler.ts";
import type { Keys } from "./keys.ts";
import type { Live } from "./live.ts";
import { makeModelHandlers } from "./models.ts";
import { makeOpenApi } from "./openapi/openapi.ts";
import { makeOverviewHandlers } from "./overview.ts";
import { makeRequestHandlers } from "./requests.ts";
import { makeSessionHandlers } from "./session.ts";
import { makeAlertHandlers } from "./settings/alert-channels.ts";
import { makeNetworkHandlers } from "./settings/network.ts";
import { makeSettingsHandlers } from "./settings.ts";
import { makeTryHandlers } from "./try.ts";

/** What holds connections and streams, until the admin closes. */
export interface Parts {
  readonly changes: ConfigChanges;
  readonly acts: Acts;
  readonly keys: Keys;
  readonly live: Live;
}

export function makeHandlers(
  context: AdminContext,
  access: Access,
  { changes, acts, keys, live }: Parts,
): Handlers {
  return {
    ...keys.handlers(),
    ...live.handlers(),
    ...makeTryHandlers(context),
    ...makeSessionHandlers(context, access),
    ...makeSettingsHandlers(context, access, changes),
    ...makeAlertHandlers(context),
    ...makeCredentialChangeHandlers(context, changes),
    ...makeSimulatorHandlers(context, changes),
    ...makeAuditHandlers(context, changes, acts),
    ...makeOverviewHandlers(context),
    ...makeCredentialHandlers(context, acts),
    ...makeRequestHandlers(context),
    ...makeCaptureHandlers(context),
    ...makeModelHandlers(context),
    ...makeNetworkHandlers(context),
    getOpenApi: () => makeOpenApi(context.version),
  };
}
