/** Node's ciphers and keys, for the few files that need more than a hash. */

/** Loads the module with its first use, which few gateways have (docs/decisions/0089-node-modules.md). */
export function nodeCrypto(): typeof import("node:crypto") {
  return import.meta.require("node:crypto");
}
