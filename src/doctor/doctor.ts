/** Looks at everything that a gateway needs, and says of each thing whether it works and what repairs it. */
import type { Problem } from "../config/problem.ts";
import { type Finding, good, warning } from "./finding.ts";
import { folderFindings, portFindings, sharingFindings } from "./machine-checks.ts";
import { examineUpstreams, type UpstreamChecks } from "./upstream-checks.ts";

export interface DoctorOptions extends UpstreamChecks {
  /** What the check of the configuration has to say. */
  readonly warnings: readonly Problem[];
  /** The gateway itself asks, so its ports are in use by it. */
  readonly isServing: boolean;
  /** The name of the one upstream that is looked at, and nothing else; null: everything. */
  readonly upstream: string | null;
}

/** Resolves when all upstreams have answered or had their time. */
export async function examine(options: DoctorOptions): Promise<readonly Finding[]> {
  const { snapshot, transport, warnings, isServing, upstream } = options;
  const { config } = snapshot;
  if (upstream !== null) return examineUpstreams(options, upstream);
  const machine = [
    ...configFindings(config.file, warnings),
    ...sharingFindings(config),
    ...folderFindings(config.server.dataDir),
    ...(isServing ? [] : await portFindings(config, transport)),
  ];
  return [...machine, ...(await examineUpstreams(options, null))];
}

function configFindings(file: string | null, warnings: readonly Problem[]): readonly Finding[] {
  if (warnings.length === 0) return [good("configuration", file ?? "", "the configuration is good")];
  return warnings.map(({ key, message, repair }) => warning("configuration", key, message, repair));
}
