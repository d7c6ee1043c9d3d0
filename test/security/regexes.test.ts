/** No pattern of the program takes longer than a text is long, whatever the text: each is tried on texts that make patterns search. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { isTest, readSources } from "../../script/source-files.ts";
import { scanText } from "../../script/source-scan.ts";
import { IS_FULL } from "../kit/gateway.ts";
import { growthOf, isLinear } from "./cpu.ts";

const CHARS = IS_FULL ? 24_000 : 16_000;
/** CPU of a search through the longer text, above which the growth is looked at. */
const SUSPECT_MS = 15;
/** Pieces that are repeated: what patterns look for, and separators that they split at. */
const PIECES = [
  "a",
  "A",
  "0",
  " ",
  "\t",
  "\n",
  "-",
  ".",
  "_",
  "/",
  "\\",
  '"',
  "'",
  ":",
  ",",
  ";",
  "=",
  "{",
  "[",
  "(",
  "<",
  "%",
  "é",
  "a-",
  "a.",
  "a ",
  "a,",
  "0.",
  "a:",
  " \n",
  "ab=",
  "\u200b",
];
const ENDS = ["", "!", "\u0000"];

function patternsIn(code: string): RegExp[] {
  return scanText(code).literals.flatMap(({ kind, text, to }) => {
    if (kind !== "expression") return [];
    const flags = /^\/([a-z]*)/.exec(code.slice(to))?.[1] ?? "";
    return [new RegExp(text, flags.replace("g", ""))];
  });
}

/** Texts that begin as the pattern does, so that a search gets as far as what it repeats. */
function beginningsOf({ source }: RegExp): readonly string[] {
  const literal = /^\^?((?:[\w ":=<>/,-])+)/.exec(source.replaceAll("\\/", "/"))?.[1] ?? "";
  return literal === "" ? [""] : ["", literal, literal.slice(0, -1)];
}

/** A sticky pattern is tried at the beginning alone, as the program does at each place where it has stopped. */
function search(pattern: RegExp, text: string): void {
  pattern.lastIndex = 0;
  pattern.test(text);
}

function isSteep(pattern: RegExp, text: (chars: number) => string): boolean {
  const [short, long] = [text(CHARS / 4), text(CHARS)];
  const before = process.cpuUsage();
  search(pattern, long);
  const { user, system } = process.cpuUsage(before);
  if ((user + system) / 1_000 < SUSPECT_MS) return false;
  return !isLinear(growthOf((times) => search(pattern, times === 1 ? short : long)));
}

test("T25 every pattern takes a text in linear time", () => {
  const patterns = new Map<string, RegExp>();
  for (const [file, code] of readSources(join(import.meta.dir, "../.."))) {
    // The simulator is for tests, and serves nobody but its own machine.
    if (isTest(file) || file.startsWith("src/simulator/")) continue;
    for (const one of patternsIn(code)) patterns.set(String(one), one);
  }
  expect(patterns.size).toBeGreaterThan(200);
  const steep: string[] = [];
  for (const [name, pattern] of patterns) {
    for (const beginning of beginningsOf(pattern)) {
      for (const piece of PIECES) {
        for (const end of ENDS) {
          const text = (chars: number): string => beginning + piece.repeat(chars / piece.length) + end;
          if (isSteep(pattern, text))
            steep.push(`${name} on ${JSON.stringify(beginning + piece)}… ${JSON.stringify(end)}`);
        }
      }
    }
  }
  expect(steep).toEqual([]);
});
