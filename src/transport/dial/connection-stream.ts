/** A connection as a stream of Node, for libraries that are given a socket. */
import type { Duplex } from "node:stream";
import type { GatewayError } from "../../core/errors.ts";
import type { UsableConnection } from "./wire.ts";

/** Hears how the connection begins: one of the two is called, once. */
export interface StreamOwner {
  ready(): void;
  unreachable(error: GatewayError): void;
}

/** Loaded with the first stream: it would take a part of each start. */
const loadStream = (): typeof import("node:stream") => import.meta.require("node:stream");

/** The stream becomes the connection's user. What is written before the connection is ready waits. */
export function streamOver(connection: UsableConnection, owner: StreamOwner): Duplex {
  let waiting: { bytes: Buffer; readonly taken: () => void } | null = null;
  const flush = (): void => {
    if (waiting === null) return;
    const written = connection.write(waiting.bytes, waiting.bytes.length);
    if (written < waiting.bytes.length) {
      waiting.bytes = waiting.bytes.subarray(written);
      return;
    }
    const { taken } = waiting;
    waiting = null;
    taken();
  };
  const stream = new (loadStream().Duplex)({
    allowHalfOpen: false,
    read: () => connection.resume(),
    write: (bytes: Buffer, _encoding, taken) => {
      waiting = { bytes, taken };
      flush();
    },
    final: (over) => {
      connection.end();
      over();
    },
    destroy: (error, over) => {
      connection.terminate();
      over(error);
    },
  });
  connection.user = {
    ready: () => {
      owner.ready();
      flush();
    },
    unreachable: (error) => owner.unreachable(error),
    data: (bytes) => {
      if (!stream.push(bytes)) connection.pause();
    },
    drain: flush,
    closed: (isClean) => {
      if (isClean) stream.push(null);
      else stream.destroy(new Error("the connection broke off"));
    },
  };
  return stream;
}
