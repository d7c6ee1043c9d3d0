/** Runs while the pages are built, so that the schemas of the contract do not go into them. */
import { OPERATIONS, type OperationName } from "../../../src/admin/contract.ts";

export function operationPaths(): Record<OperationName, string> {
  return Object.fromEntries(
    Object.entries(OPERATIONS).map(([name, { method, path }]) => [name, `${method} ${path}`]),
  ) as Record<OperationName, string>;
}
