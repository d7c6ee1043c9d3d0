import type { Asked } from "./dialects.ts";

/** For a shell: a quote ends the text, comes escaped, and begins the text anew. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** The same request for a client with a key of its own. */
export function requestSnippets(
  baseUrl: string,
  { path, body }: Asked,
): readonly { readonly name: string; readonly text: string }[] {
  const url = `${baseUrl}${path}`;
  const json = JSON.stringify(body);
  // JSON of JSON is a text of Python and of JavaScript alike.
  const literal = JSON.stringify(json);
  return [
    {
      name: "curl",
      text: `curl -N ${quoted(url)} \\\n  -H "authorization: Bearer $CLEWLINE_KEY" -H 'content-type: application/json' \\\n  -d ${quoted(json)}`,
    },
    {
      name: "Python",
      text: `import os, urllib.request\n\nrequest = urllib.request.Request(\n    ${JSON.stringify(url)},\n    data=${literal}.encode(),\n    headers={"authorization": "Bearer " + os.environ["CLEWLINE_KEY"], "content-type": "application/json"},\n)\nfor line in urllib.request.urlopen(request):\n    print(line.decode(), end="")`,
    },
    {
      name: "JavaScript",
      text: `const reply = await fetch(${JSON.stringify(url)}, {\n  method: "POST",\n  headers: { authorization: "Bearer " + process.env.CLEWLINE_KEY, "content-type": "application/json" },\n  body: ${literal},\n});\nfor await (const bytes of reply.body) process.stdout.write(bytes);`,
    },
  ];
}
