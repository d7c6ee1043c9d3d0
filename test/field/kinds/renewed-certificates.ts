import type { FieldKind } from "../kind.ts";

export const kind: FieldKind = {
  id: "renewed-certificates",
  title: "A renewed certificate of the listener",
  promise:
    "New connections get a renewed certificate within a second. No connection is refused and no request is lost meanwhile, and what is open goes on. A key that is not the certificate's leaves the pair before in force.",
  sources: [
    "NVIDIA/OpenShell#1836",
    "openclaw/openclaw#146267",
    "ContentSquare/chproxy#198",
    "oven-sh/bun#43815",
  ],
  open: [
    "A connection that the kernel has accepted, and the gateway not yet, is reset when the server with the old certificate stops: 33 of 10,404 connections over 30 renewals with 8 clients that did nothing but connect. No request was on them, and clients connect again.",
  ],
};
