/** The ways to the upstreams, and what doctor says of them and of this machine. */
import * as v from "valibot";
import type { Operation } from "./operation.ts";
import { count, name, timeMs } from "./values.ts";

export const NETWORK = {
  getNetwork: {
    method: "GET",
    path: "/network",
    who: "signed-in",
    summary: "Each upstream with the proxies on the way to it, and how each proxy has done since the start.",
    reply: v.strictObject({
      upstreams: v.array(
        v.strictObject({
          name: v.string(),
          /** Without its path. */
          origin: v.string(),
          /** false: no connection can be made now, and requests are kept away from it. */
          isReachable: v.boolean(),
          /** By credential; null: the way is direct. */
          ways: v.array(v.strictObject({ credential: v.string(), proxy: v.nullable(v.string()) })),
        }),
      ),
      proxies: v.array(
        v.strictObject({
          /** Its address, without user and password. */
          name: v.string(),
          isWorking: v.boolean(),
          connections: count,
          failures: count,
          lastFailure: v.nullable(v.strictObject({ message: v.string(), atMs: timeMs })),
        }),
      ),
    }),
  },
  examine: {
    method: "POST",
    path: "/doctor",
    who: "signed-in-changing",
    summary:
      "Looks at all that the gateway needs, as `clewline doctor` does: files, disk, clock, and of each upstream its name, the way to it, its keys and its list of models.",
    body: v.strictObject({
      /** One upstream alone; absent: everything. */
      upstream: v.optional(name),
    }),
    reply: v.strictObject({
      findings: v.array(
        v.strictObject({
          check: v.picklist([
            "configuration",
            "file_mode",
            "data_folder",
            "disk",
            "port",
            "clock",
            "name",
            "connection",
            "certificate",
            "key",
            "models",
          ]),
          /** A file, a folder, an upstream, or a credential as `upstream/name`; "" for all of it. */
          about: v.string(),
          level: v.picklist(["ok", "warning", "problem"]),
          /** In plain English. */
          message: v.string(),
          repair: v.nullable(v.string()),
        }),
      ),
    }),
  },
} as const satisfies Record<string, Operation>;
