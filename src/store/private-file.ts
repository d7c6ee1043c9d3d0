/** Files that hold what clients and models have said: their owner alone may read them, and what is deleted is overwritten. */
import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  statSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { open, unlink } from "node:fs/promises";

const ZEROS = new Uint8Array(64 * 1024);

/** A copy that somebody has put back may be open to others. Throws the system's error. */
export function keepToOwner(path: string): void {
  if (existsSync(path)) chmodSync(path, 0o600);
}

/** Overwrites a file with zeros and deletes it, if it is there. Throws the system's error. */
export function shred(path: string): void {
  if (!existsSync(path)) return;
  const fd = openSync(path, "r+");
  try {
    let left = statSync(path).size;
    while (left > 0) left -= writeSync(fd, ZEROS, 0, Math.min(left, ZEROS.byteLength));
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  unlinkSync(path);
}

/** As `shred`, beside the event loop: a large file takes seconds. Rejects with the system's error. */
export async function shredSlowly(path: string): Promise<void> {
  if (!existsSync(path)) return;
  const file = await open(path, "r+");
  try {
    let left = (await file.stat()).size;
    while (left > 0) left -= (await file.write(ZEROS, 0, Math.min(left, ZEROS.byteLength))).bytesWritten;
    await file.sync();
  } finally {
    await file.close();
  }
  await unlink(path);
}

const SECRET_HEX = /^[0-9a-f]{64}$/;

/** The secret of 32 bytes in a file; null: there is none, or none that can be used. Throws the system's error. */
export function readSecretFile(path: string): Uint8Array | null {
  let text: string;
  try {
    text = readFileSync(path, "utf8").trim();
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw cause;
  }
  if (!SECRET_HEX.test(text)) return null;
  keepToOwner(path);
  return Buffer.from(text, "hex");
}

/** In place of the file that is there. Throws the system's error. */
export function writeSecretFile(path: string, secret: Uint8Array): void {
  shred(path);
  const fd = openSync(path, "wx", 0o600);
  try {
    writeSync(fd, `${Buffer.from(secret).toString("hex")}\n`);
  } finally {
    closeSync(fd);
  }
}
