/** Client keys. */
import * as v from "valibot";
import type { Operation } from "./operation.ts";
import { count, cursorInQuery, limitInQuery, nanoUsdText, textInQuery, timeMs, undo } from "./values.ts";

const keyState = v.picklist(["active", "paused", "expired", "revoked", "refused"]);

/** As in `LimitUse`: requests, tokens or nano-dollars. */
const limitUse = v.strictObject({
  limit: v.string(),
  scope: v.picklist(["key", "team"]),
  name: v.string(),
  model: v.nullable(v.string()),
  period: v.nullable(v.picklist(["day", "week", "month"])),
  value: v.number(),
  used: v.number(),
  reserved: v.number(),
  remaining: v.number(),
  resetsAtMs: v.nullable(timeMs),
});

/** The members of `[[keys]]` without `name`, `key` and `key_hash`, as the configuration writes them. */
const settings = v.record(v.string(), v.unknown());

const key = v.strictObject({
  name: v.string(),
  state: keyState,
  /** A key of the file is changed in the configuration. */
  from: v.picklist(["file", "database"]),
  /** Why a stored key is refused; null: it is not. */
  fault: v.nullable(v.string()),
  /** The first characters and the last four; null: the file does not keep them. */
  prefix: v.nullable(v.string()),
  lastFour: v.nullable(v.string()),
  createdAtMs: v.nullable(timeMs),
  revokedAtMs: v.nullable(timeMs),
  /** Until when the key before the last rotation may be used; null: there is none. */
  oldUntilMs: v.nullable(timeMs),
  team: v.nullable(v.string()),
  expiresAtMs: v.nullable(timeMs),
  settings,
  limits: v.array(limitUse),
});

const spent = v.nullable(
  v.strictObject({
    dayNanoUsd: nanoUsdText,
    weekNanoUsd: nanoUsdText,
    monthNanoUsd: nanoUsdText,
    allNanoUsd: nanoUsdText,
  }),
);

const keyName = v.pipe(v.string(), v.minLength(1), v.maxLength(64));
const names = v.pipe(v.array(keyName), v.minLength(1), v.maxLength(1_000));
/** The key itself, which is shown this one time. */
const shownOnce = v.strictObject({ name: v.string(), key: v.string(), undo });
const many = (verb: string, summary: string) =>
  ({
    method: "POST",
    path: `/keys/${verb}` as `/keys/${string}`,
    who: "signed-in-changing",
    summary,
    body: v.strictObject({ names }),
    reply: v.strictObject({ changed: v.array(v.string()), undo }),
  }) as const;

export const KEYS = {
  listKeys: {
    method: "GET",
    path: "/keys",
    who: "signed-in",
    summary: "Client keys of file and database by name, page by page. Never a key itself.",
    query: v.strictObject({
      cursor: cursorInQuery,
      limit: limitInQuery,
      /** A part of the name. */
      text: textInQuery,
      state: v.optional(keyState),
      team: textInQuery,
    }),
    reply: v.strictObject({ keys: v.array(key), total: count, next: v.nullable(v.string()) }),
  },
  getKey: {
    method: "GET",
    path: "/keys/{name}",
    who: "signed-in",
    summary: "One client key, with what it has spent.",
    reply: v.strictObject({ key, spent }),
  },
  createKey: {
    method: "POST",
    path: "/keys",
    who: "signed-in-changing",
    summary: "Makes a client key, which is shown in this reply only.",
    body: v.strictObject({ name: keyName, settings: v.optional(settings, {}) }),
    reply: shownOnce,
  },
  changeKey: {
    method: "PATCH",
    path: "/keys/{name}",
    who: "signed-in-changing",
    summary: "Changes settings of a stored key. A setting of null is taken away.",
    body: v.strictObject({ settings }),
    reply: v.strictObject({ key, undo }),
  },
  rotateKey: {
    method: "POST",
    path: "/keys/{name}/rotate",
    who: "signed-in-changing",
    summary: "Replaces a stored key by a new one, which is shown in this reply only.",
    body: v.strictObject({
      /** How long the key before may still be used; 0: it ends at once. */
      keepOldMs: v.optional(v.pipe(count, v.maxValue(365 * 86_400_000)), 0),
    }),
    reply: shownOnce,
  },
  revokeKeys: many("revoke", "Ends stored keys, for ever once ten minutes are over."),
  pauseKeys: many("pause", "Has stored keys refused until they are resumed."),
  resumeKeys: many("resume", "Lets paused keys be used again."),
} as const satisfies Record<string, Operation>;
