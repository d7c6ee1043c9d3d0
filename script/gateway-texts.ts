/**
 * The gateway's own words that pages of the admin show, found in the sources: so that a test finds one that has no
 * translation. A value in a text is `{0}`.
 */
import { tableHelp, tableOf } from "../src/config/reference.ts";
import { configSchemaEntries } from "../src/config/schema-entries.ts";
import { RATE_KINDS } from "../src/prices/rates.ts";
import { isIn, isTest, readSources } from "./source-files.ts";
import { scanText } from "./source-scan.ts";

interface Text {
  readonly from: number;
  readonly text: string;
}

/** Calls whose texts are told to people: faults and their repairs. */
const CALLS =
  /(?:new (?:AdminError|EditError|ConfigError|TomlError)|\.refuse(?:Key|At)?|\b(?:rule|refused|refusal|wrongSetting|fail|fault|problemAt|problem|refusePrivate|setInFile|v\.(?:check|regex|minLength|maxLength|minValue|maxValue)))\(/g;
const FOLDERS_OF_CALLS = ["src/admin/", "src/config/"];

/** Files all of whose texts are told to people. */
const FILES = [
  "src/admin/attention.ts",
  "src/admin/credentials/credential-state.ts",
  "src/admin/credentials/credential-lines.ts",
  "src/admin/ledger-fault.ts",
  "src/admin/read-call.ts",
  "src/admin/settings/settings-view.ts",
  "src/alerts/delivery.ts",
  "src/alerts/mail.ts",
  "src/alerts/post.ts",
  "src/alerts/send.ts",
  "src/auth/join-keys.ts",
  "src/config/change/emptied.ts",
  "src/config/client-keys.ts",
  "src/config/edit/settings-file.ts",
  "src/config/issues.ts",
  "src/config/references.ts",
  "src/config/schema-rules.ts",
  "src/config/secret.ts",
  "src/config/access/shared-paths.ts",
  "src/doctor/doctor.ts",
  "src/doctor/finding.ts",
  "src/doctor/machine-checks.ts",
  "src/doctor/upstream-checks.ts",
];

/** Texts in these places that no page shows, or that are a part of another one. */
const NOT_SHOWN: ReadonlySet<string> = new Set([
  " or ",
  // The subject and the sender of a mail.
  "Clewline: {0}",
  // What a page of a gateway says when it is asked for its certificate.
  "TLS certificate",
  // A part of descriptions, which are whole here.
  "`env:NAME`, `file:PATH` (relative to this file), or the text itself",
  "{0} {1}",
  // The end of a call, which nobody is told of.
  "no more of the reply is wanted",
  // A part of repairs, which are whole in FURTHER.
  ", or start with --allow-shared-files",
  // The first start, which no page shows.
  "has no password, and",
]);

/** Texts that are put together elsewhere, or have no space that would tell them from names. */
export const FURTHER: readonly string[] = [
  "the port cannot be had on {0} ({1})",
  "make the file private: chmod 600 {0}, or start with --allow-shared-files",
  "chmod 700 {0}, or start with --allow-shared-files",
  "remove it, or name another folder in server.data_dir, or start with --allow-shared-files",
  // Of findings of the doctor, which are told in two parts.
  "behind",
  "the upstream cannot be reached",
  "check its base_url and the network",
  "the upstream's host name is not known",
  "check its base_url",
  "no TLS connection to the upstream",
  "check whether its base_url means https",
  "the upstream's TLS certificate is not accepted ({0})",
  "the proxy {0} cannot be reached",
  "check its address and the network",
  "name a free port, or remove [simulator]",
  "unconfirmed: {0}",
  "confirmed: {0}",
  "nothing left until the reset",
  "reset by hand",
  '"{0}" {1}',
  "day",
  "week",
  "month",
  "write the URL up to there",
  "the file is larger than 1 MiB",
  "write {0}",
  "upstreams: {0}",
  "the call failed: {0}",
  "the value is not one of TOML",
  "the text is not Unicode",
  "add [[upstreams]] with this name",
  // What became of what a person has done, in the record.
  ...["created", "rotated", "revoked", "paused", "resumed", "drained", "enabled", "reset"],
  ...["exported", "exported with secrets", "all ended", "deleted", "all deleted", "as before {0}"],
];

/** Every text that can be found, without those of `FURTHER`. `root`: the folder of the checkout. */
export function gatewayTexts(root: string): ReadonlySet<string> {
  const found = new Set<string>();
  for (const entry of configSchemaEntries()) {
    found.add(entry.description);
    found.add(tableHelp(tableOf(entry.key)));
  }
  for (const { label } of Object.values(RATE_KINDS)) found.add(label);
  for (const [path, source] of readSources(root)) {
    if (isTest(path) || path.includes("/fixtures/")) continue;
    const { masked } = scanText(source);
    const texts = textsIn(source, masked);
    const shown = FILES.includes(path) ? texts : textsInCalls(path, masked, texts);
    for (const { text } of shown)
      for (const line of text.split("\n")) if (isSentence(line) && !NOT_SHOWN.has(line)) found.add(line);
    if (isIn(path, ["src/upstreams/"])) for (const reason of reasonsIn(masked, texts)) found.add(reason);
  }
  found.delete("");
  return found;
}

function isSentence(text: string): boolean {
  return /\S \S/.test(text) && /[a-z]{2}/.test(text);
}

function textsInCalls(path: string, masked: string, texts: readonly Text[]): readonly Text[] {
  if (!isIn(path, FOLDERS_OF_CALLS)) return [];
  return [...masked.matchAll(CALLS)].flatMap(({ index, 0: call }) => {
    const start = index + call.length;
    const end = closingOf(masked, start);
    return texts.filter(({ from }) => from >= start && from < end);
  });
}

function reasonsIn(masked: string, texts: readonly Text[]): readonly string[] {
  return [...masked.matchAll(/\breason:\s*(?=["`])/g)].flatMap(({ index, 0: all }) =>
    texts.filter(({ from }) => from === index + all.length).map(({ text }) => text),
  );
}

/** Where the bracket is closed that was opened before `start`. Strings are blank in `masked`. */
function closingOf(masked: string, start: number): number {
  let depth = 1;
  let at = start;
  while (at < masked.length && depth > 0) {
    if (masked[at] === "(") depth += 1;
    else if (masked[at] === ")") depth -= 1;
    at += 1;
  }
  return at;
}

/** All strings, and templates with a number in place of each value; also those within values. */
function textsIn(source: string, masked: string): readonly Text[] {
  const texts: Text[] = [];
  const readString = (from: number): number => {
    const end = masked.indexOf(masked[from] as string, from + 1);
    texts.push({ from, text: unescaped(source.slice(from + 1, end)) });
    return end + 1;
  };
  const readTemplate = (from: number): number => {
    let at = from + 1;
    let text = "";
    let values = 0;
    while (at < masked.length && masked[at] !== "`") {
      if (masked.startsWith("${", at)) {
        at = readCode(at + 2, "}");
        text += `{${values++}}`;
      } else text += source[at++];
    }
    texts.push({ from, text: unescaped(text) });
    return at + 1;
  };
  const readCode = (from: number, until: "}" | null): number => {
    let depth = 0;
    let at = from;
    while (at < masked.length) {
      const char = masked[at];
      if (char === '"' || char === "'") at = readString(at);
      else if (char === "`") at = readTemplate(at);
      else {
        at += 1;
        if (char === "{") depth += 1;
        else if (char === "}" && depth-- === 0 && until === "}") return at;
      }
    }
    return at;
  };
  readCode(0, null);
  return texts;
}

function unescaped(text: string): string {
  return text.replace(/\\(u[0-9a-f]{4}|.)/gi, (_, code: string) => {
    if (code === "n") return "\n";
    return code.length === 5 ? String.fromCharCode(Number.parseInt(code.slice(1), 16)) : code;
  });
}
