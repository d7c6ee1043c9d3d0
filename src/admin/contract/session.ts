/** Signing in and out. */
import * as v from "valibot";
import type { Operation } from "./operation.ts";
import { timeMs } from "./values.ts";

const session = v.strictObject({
  signedIn: v.boolean(),
  /** For the header `x-clewline-csrf` of each call that changes something; null: nobody is signed in, or a token is. */
  csrf: v.nullable(v.string()),
  /** null: nobody is signed in, or a token is, which has no end. */
  expiresAtMs: v.nullable(timeMs),
  /** Why no setting can be changed; null: settings can be changed, but for those that say so. */
  lockedSettings: v.nullable(v.string()),
  /** The page came by plain http from another machine: others on the way can read the password. */
  isPlainHttp: v.boolean(),
  /** null: nobody is signed in. */
  version: v.nullable(v.string()),
  /** Where clients reach the gateway, as in `https://gateway.example.com`; null: nobody is signed in. */
  baseUrl: v.nullable(v.string()),
});

const signIn = v.pipe(
  v.strictObject({
    password: v.optional(v.pipe(v.string(), v.maxLength(1024))),
    /** The token of a link that signs in once. */
    link: v.optional(v.pipe(v.string(), v.maxLength(256))),
  }),
  v.check(
    ({ password, link }) => (password === undefined) !== (link === undefined),
    'needs either "password" or "link"',
  ),
);

export const SESSION = {
  getSession: {
    method: "GET",
    path: "/session",
    who: "anyone",
    summary: "Tells whether the caller is signed in, and gives the CSRF value of the session.",
    reply: session,
  },
  signIn: {
    method: "POST",
    path: "/session",
    who: "anyone",
    summary:
      "Signs in with the admin password, or with the token of a one-time link, and sets the session's cookie.",
    body: signIn,
    reply: "none",
  },
  signOut: {
    method: "DELETE",
    path: "/session",
    who: "signed-in-changing",
    summary: "Ends this session.",
    reply: "none",
  },
  signOutAll: {
    method: "DELETE",
    path: "/sessions",
    who: "signed-in-changing",
    summary: "Ends all sessions, this one too.",
    reply: "none",
  },
} as const satisfies Record<string, Operation>;
