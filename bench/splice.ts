/**
 * The least that a proxy on this runtime can do: passes bytes between each client and an upstream connection of
 * its own, and reads none of them. `bun bench/splice.ts PORT UPSTREAM-PORT`
 */
import type { Socket, SocketHandler } from "bun";

/** One end of a pair of connections, with the bytes that its socket did not take yet. */
class End {
  socket: Socket<End> | undefined;
  other: End = this;
  #waiting: Uint8Array[] = [];
  #isEnding = false;

  send(bytes: Uint8Array): void {
    const written = this.#waiting.length > 0 || this.socket === undefined ? 0 : this.socket.write(bytes);
    // The runtime reuses the memory of what it hands to `data`, so the rest is copied.
    if (written < bytes.length) this.#waiting.push(bytes.slice(Math.max(written, 0)));
  }

  sendWaiting(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const bytes of waiting) this.send(bytes);
    if (this.#isEnding) this.end();
  }

  end(): void {
    this.#isEnding = true;
    if (this.#waiting.length === 0) this.socket?.end();
  }
}

const passing: SocketHandler<End> = {
  data: (socket, bytes) => socket.data.other.send(bytes),
  drain: (socket) => socket.data.sendWaiting(),
  close: (socket) => socket.data.other.end(),
  error: (socket) => socket.data.other.end(),
};

const [port, upstreamPort] = process.argv.slice(2).map(Number);
const hostname = "127.0.0.1";
Bun.listen<End>({
  hostname,
  port: port ?? 0,
  socket: {
    ...passing,
    open(socket) {
      const [client, upstream] = [new End(), new End()];
      client.socket = socket;
      client.other = upstream;
      upstream.other = client;
      socket.data = client;
      const opening = Bun.connect<End>({
        hostname,
        port: upstreamPort ?? 0,
        data: upstream,
        socket: {
          ...passing,
          open(connected) {
            upstream.socket = connected;
            upstream.sendWaiting();
          },
        },
      });
      opening.catch(() => client.end());
    },
  },
});
