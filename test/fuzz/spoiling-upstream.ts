/** A provider whose replies arrive spoiled: it asks the simulator and changes the reply. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type Chance, chanceFrom } from "../faults/seeded.ts";
import { mutateBytes, mutateFrame, mutateValue } from "./mutation.ts";

export interface SpoilingUpstream {
  readonly url: string;
  close(): Promise<void>;
}

/** The suffix of a model's name that makes the reply depend on this number alone. */
export const numberWord = (number: number): string => `says=n${number}n`;

/** Only these pass on, both ways. */
const HEADERS = ["content-type", "authorization", "x-api-key", "x-goog-api-key", "anthropic-version"];

export async function startSpoilingUpstream(seed: number, simulatorUrl: string): Promise<SpoilingUpstream> {
  const server = createServer((request, response) => {
    serve(request, response, seed, simulatorUrl).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => new Promise((resolve) => server.close(() => resolve()).closeAllConnections()),
  };
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  seed: number,
  simulatorUrl: string,
): Promise<void> {
  const body = Buffer.concat(await Array.fromAsync(request as AsyncIterable<Buffer>));
  const number = /says(?:=|%3D)n(\d+)n/i.exec(`${request.url}\n${body.toString("latin1")}`)?.[1];
  const chance = chanceFrom(seed ^ Number(number ?? 0));
  const headers = new Headers();
  for (const name of HEADERS) {
    const value = request.headers[name];
    if (typeof value === "string") headers.set(name, value);
  }
  const good = await fetch(`${simulatorUrl}${request.url}`, {
    method: request.method ?? "POST",
    headers,
    body,
  });
  const type = good.headers.get("content-type") ?? "application/json";
  const bytes = spoil(await good.bytes(), type, chance);
  response.writeHead(chance.next() < 0.1 ? chance.pick([200, 400, 429, 500, 503]) : good.status, {
    "content-type": type,
  });
  for (let from = 0; from < bytes.length; ) {
    const size = chance.whole(1, 2_000);
    response.write(bytes.subarray(from, from + size));
    from += size;
  }
  if (chance.next() < 0.1) response.destroy();
  else response.end();
}

function spoil(bytes: Uint8Array, type: string, chance: Chance): Uint8Array {
  const way = chance.next();
  if (way < 0.1) return bytes;
  if (way < 0.4) return mutateBytes(bytes, chance);
  if (type.includes("event-stream")) return mutateFrame(bytes, chance);
  try {
    return Buffer.from(JSON.stringify(mutateValue(JSON.parse(Buffer.from(bytes).toString("utf8")), chance)));
  } catch {
    return mutateBytes(bytes, chance);
  }
}
