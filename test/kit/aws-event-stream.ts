/** Writes Amazon's binary event stream, with a checksum that is not the parser's own. */

export interface AwsHeader {
  readonly name: string;
  readonly type: number;
  /** As it stands on the wire, with the length in front where the type has one. */
  readonly value: Uint8Array;
}

/** A header of type text. */
export function textHeader(name: string, text: string): AwsHeader {
  const bytes = Buffer.from(text);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(bytes.length);
  return { name, type: 7, value: Buffer.concat([length, bytes]) };
}

export function awsMessage(headers: readonly AwsHeader[], payload: Uint8Array | string): Buffer {
  const head = Buffer.concat(
    headers.flatMap(({ name, type, value }) => [
      Buffer.from([Buffer.byteLength(name)]),
      Buffer.from(name),
      Buffer.from([type]),
      value,
    ]),
  );
  const body = Buffer.from(payload as string);
  return seal(head.length + body.length + 16, head.length, Buffer.concat([head, body]));
}

/** A message that says these lengths, whatever it holds; both checksums are right. */
export function seal(totalBytes: number, headerBytes: number, content: Uint8Array): Buffer {
  const prelude = Buffer.alloc(12);
  prelude.writeUInt32BE(totalBytes, 0);
  prelude.writeUInt32BE(headerBytes, 4);
  prelude.writeUInt32BE(Bun.hash.crc32(prelude.subarray(0, 8)), 8);
  const crc = Buffer.alloc(4);
  crc.writeUInt32BE(Bun.hash.crc32(Buffer.concat([prelude, content])));
  return Buffer.concat([prelude, content, crc]);
}
