/** Fixed members of every request to an upstream, such as a company's proxy wants them. */
import * as v from "valibot";
import { required, rule, secret, secretNote, text } from "../schema-rules.ts";

const headerName = v.pipe(
  text,
  rule(
    (value) => /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$/.test(value),
    "is not the name of a header",
    'write it as in "x-team"',
  ),
  v.toLowerCase(),
  rule(
    (value) => !RESERVED_HEADERS.test(value),
    "is a header that the gateway writes itself: it frames a request, or shows a credential",
    "use another header; a credential belongs in api_key",
  ),
);
const RESERVED_HEADERS =
  /^(?:host|connection|content-length|content-type|content-encoding|transfer-encoding|te|trailer|upgrade|expect|keep-alive|accept-encoding|authorization|x-api-key|x-goog-api-key|api-key|cookie|proxy-.*|x-clewline-.*)$/;

const queryParameter = v.pipe(
  text,
  rule(
    (value) => /^[\w.$-]{1,128}$/.test(value),
    "is not the name of a query parameter",
    'write it as in "api-version"',
  ),
  rule(
    (value) => !/^(?:key|access_token|alt|\$alt|callback)$/i.test(value),
    "shows a credential, or changes the form of the answer",
    "use another parameter; a credential belongs in api_key",
  ),
);

const memberName = v.pipe(
  text,
  rule(
    (value) => !/^(?:model|stream|messages|input|contents)$/.test(value),
    "is a member on which the form or the place of the answer depends",
    "use another member; [[models]] says which model is asked",
  ),
);

/** One header of each request. */
export const fixedHeader = v.object({
  name: required(
    headerName,
    "reload",
    "A header of each request to this upstream. It replaces one that the client sends.",
  ),
  value: required(secret, "reload", `Its value: ${secretNote}. It is not shown.`),
});

/** One parameter of each URL. */
export const fixedQuery = v.object({
  name: required(
    queryParameter,
    "reload",
    "A query parameter of each request to this upstream. It replaces one that the client sends.",
  ),
  value: required(secret, "reload", `Its value: ${secretNote}. It is not shown.`),
});

/** One member of each JSON body. */
export const fixedBody = v.object({
  name: required(
    memberName,
    "reload",
    "A member of each JSON body for this upstream. It replaces one that the client sends.",
  ),
  json: required(
    v.pipe(
      text,
      rule(
        isJson,
        "is not JSON",
        'write JSON text, as in json = \'{"team": "search"}\' or json = \'"gold"\'',
      ),
    ),
    "reload",
    'Its value as JSON text, as in `\'{"team": "search"}\'` or `\'"gold"\'`. It is no secret.',
  ),
});

function isJson(value: string): boolean {
  try {
    JSON.parse(value);
    return true;
  } catch {
    return false;
  }
}
