/** The gateway's own texts in Chinese, loaded with the first page that is shown in it. A test finds a missing one. */
import { CONFIG_FAULTS } from "./config-faults.ts";
import { DOCTOR } from "./doctor.ts";
import { FAULTS } from "./faults.ts";
import { HELP } from "./help.ts";
import { NETWORK } from "./network.ts";
import { STATES } from "./states.ts";

export const GATEWAY_ZH_CN: Readonly<Record<string, string>> = {
  ...HELP,
  ...FAULTS,
  ...CONFIG_FAULTS,
  ...NETWORK,
  ...DOCTOR,
  ...STATES,
};
