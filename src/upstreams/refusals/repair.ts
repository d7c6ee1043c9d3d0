/** Repairs of refused requests: which changes a refusal asks for. The rows are in each dialect's `repair.ts`. */
import { Buffer } from "node:buffer";
import type { JsonObject } from "../../core/json.ts";
import type { DialectName } from "../../dialects/dialect.ts";
import { DIALECTS } from "../../dialects/index.ts";
import {
  isSameRepair,
  plainName,
  type Refusal,
  type Repair,
  type RepairKind,
  type RepairRules,
  type Repairs,
} from "../../dialects/repair.ts";
import { outputLimitIn } from "../../dialects/shared/output-limit.ts";
import { saysAny } from "../../dialects/shared/repairs/forced-call-repairs.ts";
import { parseJsonObject } from "../../wire/json.ts";
import { fittingLimit, readOversize, type SizeRefusal } from "./oversize.ts";
import { readStatements, type Statement } from "./statement.ts";

/** A refused request and its refusal. */
export interface Refused {
  readonly dialect: DialectName;
  readonly status: number;
  /** The upstream's error body, or error object. */
  readonly body: string;
  /** The request's body as it was sent; null: it had none. */
  readonly sent: Uint8Array | null;
  /** The repairs that the request had already. */
  readonly repairs: Repairs;
}

const STATUSES: readonly number[] = [400, 422];
const MAX_FOUND = 8;
/** Bounds the work for one refusal, whose words may be long. */
const MAX_NAMED = 16;
const MAX_PATH_CHARS = 256;

/**
 * The repairs that the refusal asks for and that the request did not have; none for most refusals. Words that
 * the request itself holds prove nothing: servers quote the client.
 */
export function repairsFor({ dialect, status, body, sent, repairs }: Refused): Repairs {
  if (status < 400 || status > 500) return [];
  const rules = DIALECTS[dialect].repairs;
  const found: Repair[] = [];
  const request = new SentRequest(sent);
  for (const statement of readStatements(body)) {
    const limit = limitFor(statement, rules, request);
    const { words, asked } = limit ?? repairsAskedBy(statement, rules, status, request);
    if (asked.length === 0 || (words !== null && request.holds(words))) continue;
    for (const one of asked) {
      const repair = { ...one, dialect };
      const isKnown = [...repairs, ...found].some((other) => isSameRepair(repair, other));
      if (!isKnown && found.length < MAX_FOUND) found.push(repair);
    }
  }
  return found;
}

/** A request's body, which is parsed when a refusal asks for a repair: most do not. */
class SentRequest {
  readonly #bytes: Uint8Array | null;
  #body: JsonObject | null | undefined;
  #text: Buffer | null = null;

  constructor(bytes: Uint8Array | null) {
    this.#bytes = bytes;
  }

  /** null: there is none, or it is not JSON. */
  get body(): JsonObject | null {
    if (this.#body === undefined) this.#body = this.#bytes === null ? null : parseJsonObject(this.#bytes);
    return this.#body;
  }

  /** Whether the request has one of the members. */
  says(members: readonly string[]): boolean {
    return this.body !== null && saysAny(this.body, members);
  }

  /** Looks in the request's JSON text, in which the same words have one spelling. */
  holds(words: string): boolean {
    this.#text ??= Buffer.from(JSON.stringify(this.body));
    return this.#text.includes(Buffer.from(JSON.stringify(words).slice(1, -1)));
  }
}

type AskedRepair = Omit<Repair, "dialect">;

interface Asked {
  /** The words that matched; null: a field of the error says it. */
  readonly words: string | null;
  readonly asked: readonly AskedRepair[];
}

/** The limit with which the model would take the request; null: the refusal is about something else. */
function limitFor({ words }: Statement, { limits }: RepairRules, request: SentRequest): Asked | null {
  if (readOversize(words, null, null) === null || request.body === null) return null;
  const { path, tokens } = outputLimitIn(request.body, limits);
  const refusal = readOversize(words, null, tokens);
  const amount = refusal === null ? null : fittingLimit(refusal, tokens);
  if (refusal === null || amount === null) return null;
  // The next prompt has another length, and an account other money; the longest answer stays the same.
  const isLasting = refusal.part === "output" && tokens !== null && !refusal.isPassing;
  const told = contextIn(refusal);
  const asked = [{ kind: "limit-answer", member: path.join("."), amount, isLasting, ...told }] as const;
  return { words: refusal.words, asked };
}

function contextIn({
  part,
  limitTokens,
  promptTokens,
  isPromptAtLeast,
  isPassing,
}: SizeRefusal): Pick<Repair, "told"> {
  if (part !== "sum" || limitTokens === null || isPassing) return {};
  return { told: { contextTokens: limitTokens, promptTokens: isPromptAtLeast ? null : promptTokens } };
}

function repairsAskedBy(
  statement: Statement,
  rules: RepairRules,
  status: number,
  request: SentRequest,
): Asked {
  for (const row of rules.refusals) {
    if (!(row.statuses ?? STATUSES).includes(status)) continue;
    const match = row.words.exec(statement.words);
    if (match !== null && row.unlessSaid !== undefined && request.says(row.unlessSaid)) continue;
    const asked = match === null ? [] : repairsOf(row, match.groups ?? {}, rules);
    if (match !== null && asked.length > 0) return { words: match[0], asked };
  }
  const { refused, isOfValue } = statement;
  const isRefused = refused !== null && STATUSES.includes(status);
  return { words: null, asked: isRefused ? memberRepairs([refused], rules, !isOfValue) : [] };
}

function repairsOf(
  row: Refusal,
  groups: Readonly<Record<string, string | undefined>>,
  rules: RepairRules,
): readonly AskedRepair[] {
  const isLasting = row.isOnce !== true;
  return row.repairs.flatMap((kind) => {
    if (kind === "without") return memberRepairs(membersIn(row, groups), rules, isLasting);
    if (kind === "without-beta") {
      const betas = groups.members === undefined ? ["*"] : listed(groups.members);
      return betas.map((member) => ({ kind, member, amount: null, isLasting }));
    }
    if (kind === "call-instead-of-thinking")
      return membersIn(row, groups).map((member) => ({ kind, member, amount: null, isLasting }));
    const amount = groups.amount === undefined ? null : Number(groups.amount);
    return [{ kind, member: "", amount, isLasting }];
  });
}

function membersIn(
  { members }: Refusal,
  groups: Readonly<Record<string, string | undefined>>,
): readonly string[] {
  if (members !== undefined) return members;
  if (groups.members !== undefined) return listed(groups.members);
  const { at, member: name = "" } = groups;
  return [at === undefined ? name : `${at}.${name}`];
}

function listed(names: string): readonly string[] {
  return names
    .split(/[\s,'"`]+/)
    .filter((name) => name !== "")
    .slice(0, MAX_NAMED);
}

/** Leaves out, or renames, the members that a request can do without. */
function memberRepairs(
  paths: readonly string[],
  rules: RepairRules,
  isLasting: boolean,
): readonly AskedRepair[] {
  return paths.flatMap((path): AskedRepair[] => {
    const member = memberAt(path, knownPaths(rules));
    if (member === null) return [];
    const replaced = Object.hasOwn(rules.replaced, member) ? rules.replaced[member] : undefined;
    if (replaced !== undefined) return [{ kind: replaced, member: "", amount: null, isLasting }];
    const kind: RepairKind = Object.hasOwn(rules.renamed, member) ? "rename" : "without";
    return [{ kind, member, amount: null, isLasting }];
  });
}

/** Steps that servers add to a path: the kinds of a message, a block or a tool, which are no members. */
const TAGS =
  /^(?:body|chatcompletion\w+|custom|ephemeral|assistant|user|system|developer|tool|text|thinking|redactedthinking|tooluse|toolresult|image|document)$/;

/** What members say that the model does not read. */
const NOTES: ReadonlySet<unknown> = new Set([null, "metadata", "userId"]);

/** A path that a table names. */
interface KnownPath {
  readonly path: string;
  readonly steps: readonly string[];
  /** The member says nothing to the model. */
  readonly isNote: boolean;
}

const KNOWN_PATHS = new WeakMap<RepairRules, readonly KnownPath[]>();

function knownPaths(rules: RepairRules): readonly KnownPath[] {
  const made = KNOWN_PATHS.get(rules);
  if (made !== undefined) return made;
  const paths = [rules.replaced, rules.renamed, rules.optional].flatMap(Object.keys);
  const known = paths.map((path) => ({
    path,
    steps: stepsOf(path),
    isNote: Object.hasOwn(rules.optional, path) && NOTES.has(rules.optional[path]),
  }));
  KNOWN_PATHS.set(rules, known);
  return known;
}

/** The known path that a refused path means, or the note that holds it; null: none. */
function memberAt(refused: string, known: readonly KnownPath[]): string | null {
  if (refused.length > MAX_PATH_CHARS) return null;
  const steps = stepsOf(refused);
  const name = steps.join("");
  const exact = known.find((one) => isPathTo(steps, one.steps));
  // xAI says `reasoningEffort` for `reasoning.effort`.
  const found = exact ?? known.find((one) => one.steps.join("") === name) ?? holderOf(steps, known);
  return found?.path ?? null;
}

/**
 * The nearest optional member that holds a refused one. Not one that is a wish, such as `thinking`: a part that one request has
 * wrong would take the wish from the requests that have it right.
 */
function holderOf(steps: readonly string[], known: readonly KnownPath[]): KnownPath | undefined {
  for (let depth = steps.length - 1; depth > 0; depth--) {
    const above = steps.slice(0, depth);
    const holder = known.find(({ isNote, steps: own }) => isNote && isPathTo(above, own));
    if (holder !== undefined) return holder;
  }
  return undefined;
}

function stepsOf(path: string): readonly string[] {
  return path
    .replaceAll(/\[['"]?(\w+)['"]?\]/g, ".$1")
    .split(".")
    .filter((step) => step !== "" && step !== "body")
    .map((step) => (/^\d+$/.test(step) ? "*" : plainName(step)));
}

/** Whether both paths are the same but for tags in the refused path. */
function isPathTo(refused: readonly string[], known: readonly string[]): boolean {
  let at = 0;
  for (const step of refused) {
    if (step === known[at]) at++;
    else if (known[at] === "**" && step === known[at + 1]) at += 2;
    else if (known[at] !== "**" && !TAGS.test(step)) return false;
  }
  return at === known.length && refused.at(-1) === known.at(-1);
}
