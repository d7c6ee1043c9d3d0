import { MASK, withoutMasks } from "../../lib/masked.ts";
import type { Captured } from "./capture-texts.ts";

/** The connection's own headers, those that curl writes itself, and what is masked. */
const LEFT_OUT =
  /^(?:host|connection|keep-alive|te|upgrade|via|forwarded|x-forwarded-.*|content-length|content-encoding|transfer-encoding|accept-encoding|expect)$/;

/** For a shell: a quote ends the text, comes escaped, and begins the text anew. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** The client's request for a shell, whose variable has the key: no captured request has one. null: its body is not whole. */
export function curlOf(baseUrl: string, { request }: Captured): string | null {
  const { method, path, headers, body } = request;
  if (body !== null && (body.isCut || body.text === null)) return null;
  const shown = headers.filter(([name, value]) => !LEFT_OUT.test(name) && !value.includes(MASK));
  return [
    `curl -N ${quoted(baseUrl + withoutMasks(path))}`,
    ...(method === "POST" ? [] : [`-X ${quoted(method)}`]),
    '-H "authorization: Bearer $CLEWLINE_KEY"',
    ...shown.map(([name, value]) => `-H ${quoted(`${name}: ${value}`)}`),
    ...(body?.text == null ? [] : [`--data-raw ${quoted(body.text)}`]),
  ].join(" \\\n  ");
}
