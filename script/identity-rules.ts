/**
 * Facts that have one owner in `src/`: the end of a request, and the identity of a server. A second place
 * that decides them is a violation.
 */
import type { Scan } from "./source-scan.ts";

export interface OwnerRule {
  readonly rule: string;
  readonly reason: string;
  /** Offsets of the places that count. */
  readonly find: (scan: Scan) => readonly number[];
  /** Files and folders (with a slash at the end) where it does not count. */
  readonly except: readonly string[];
  /** Places that there must be in all; 0 when absent. */
  readonly expected?: number;
}

/** A test holds this list to the table of families. */
export const FAMILY_NAMES = ["anthropic", "gemini", "openai", "vertex"];

const HOST = /[a-z0-9-]+\.(?:com|ai|net|org|dev|io|app|cloud)(?![a-z0-9-])/i;
const FAMILY_WORD = new RegExp(`(?<![a-z0-9])(?:${FAMILY_NAMES.join("|")})(?![a-z0-9])`, "i");
const COMPARES_BEFORE = /(?:[!=]==?|\bcase|\.(?:includes|startsWith|endsWith|indexOf)\(|\bRegExp\()\s*$/;
const COMPARES_AFTER = /^\s*(?:[!=]==?|[^()[\]{};]*\]\s*\)?\s*\.(?:includes|has|some|indexOf)\()/;

const everyMatch =
  (pattern: RegExp) =>
  ({ masked }: Scan): readonly number[] =>
    [...masked.matchAll(pattern)].map(({ index }) => index);

/**
 * Where a value is compared with the name of a family or of a host, by an operator, a list, `case` or a
 * pattern.
 */
export function findNameComparisons({ masked, literals }: Scan): readonly number[] {
  return literals
    .filter(({ kind, text, from, to }) => {
      const plain = text.replaceAll("\\", "");
      if (kind === "expression") return HOST.test(plain) || FAMILY_WORD.test(plain);
      return (
        (FAMILY_NAMES.includes(text) || HOST.test(plain)) &&
        (COMPARES_BEFORE.test(masked.slice(Math.max(0, from - 40), from - 1)) ||
          COMPARES_AFTER.test(masked.slice(to + 1, to + 200)))
      );
    })
    .map(({ from }) => from);
}

export const OWNER_RULES: readonly OwnerRule[] = [
  {
    rule: "the ledger's append has one caller outside the ledger",
    reason: "a request ends in one place, so that each request gets exactly one row",
    find: everyMatch(/\bledger\s*(?:\?\.|\.)\s*append\b/g),
    except: ["src/ledger/"],
    expected: 1,
  },
  {
    rule: "isOpenai only in upstreams",
    reason:
      "ask the server's profile for the fact that you need: a server can share one fact with OpenAI and not the next",
    find: everyMatch(/\bisOpenai\b/gi),
    except: ["src/upstreams/"],
  },
  {
    rule: "no comparison with the name of a family or a host outside upstreams and simulator",
    reason: "what is particular to a server is data in its profile, or decided by its family",
    find: findNameComparisons,
    except: [
      "src/upstreams/",
      "src/simulator/",
      // These two patterns match URLs inside Gemini requests (a video, a stored file), not the server
      // that is asked.
      "src/dialects/gemini/mime-type.ts",
      "src/dialects/gemini/part-decode.ts",
      // Where the addresses within a key of Google's may lead, not the server that is asked.
      "src/config/credentials/google-key.ts",
    ],
  },
];
