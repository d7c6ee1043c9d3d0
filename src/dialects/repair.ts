/**
 * Repairs of refused requests, as data. A dialect's `repair.ts` holds its rows: what a refusal says, what is
 * then changed once, and whether the change is remembered (`upstreams/refusals/repair.ts`).
 *
 * A new repair is a name in `RepairKind`, a row in `refusals`, and its edit of the body in `edits`.
 */
import type { JsonObject } from "../core/json.ts";
import type { Parameter } from "../neutral/request.ts";
import { mapMember as mapSchemas } from "../neutral/tools/schema-walk.ts";
import { asArray, asObject } from "../wire/json.ts";
import { type LimitPlaces, outputLimitIn, withOutputLimit } from "./shared/output-limit.ts";

/** The change that a refusal asks for. */
export type RepairKind =
  /** A member is left out, wherever its path leads. */
  | "without"
  /** A beta is left out of the header that asks for it (`RepairRules.betaHeader`); "*": the header. */
  | "without-beta"
  /** A member gets the other name that servers know for it (`RepairRules.renamed`). */
  | "rename"
  /** Instructions have the role `system`. */
  | "system-role"
  /** No instructions of their own: they become text of the user. */
  | "system-as-user"
  /** Instructions only at the start, and no two turns of one role in a row. */
  | "system-first"
  /** No two turns of one role in a row. */
  | "join-turns"
  /** A turn of the assistant between the results of tools and the words of the user. */
  | "bridge-turns"
  /** The beginning of the answer is marked as such. */
  | "mark-prefix"
  /** The model is not told that it must call a tool. */
  | "free-tool-choice"
  /** The model is told not to think, by the switch `member`, where a request forces a tool and says nothing of thinking. */
  | "call-instead-of-thinking"
  /** The model is not told to decide itself how much to think. */
  | "without-adaptive"
  /** One kind of sampling, where a request has two. */
  | "one-sampling"
  /** No encrypted reasoning is asked for. */
  | "without-encrypted"
  /** Only tools with closed schemas are strict. */
  | "strict-when-closed"
  /** Tools have a schema, and it names its properties, if only none. */
  | "add-properties"
  /** The ids of calls and of their results are as short as the server takes them. */
  | "short-call-ids"
  /** The ids of calls and of their results are of the dialect's form, and at most `amount` long. */
  | "fit-call-ids"
  /** Members of tools that are null are left out. */
  | "without-nulls"
  /** The model is told not to think, because it has tools. */
  | "no-effort"
  /** The gateway watches for the stop sequences; translated requests only. */
  | "watch-stops"
  /** The limit of the answer is lowered to `amount`, or set where the refused request has none. */
  | "limit-answer"
  /** The schema of the answer is told to the model, which is not held to it; translated requests only. */
  | "schema-in-words"
  /** Each turn of the assistant has its reasoning, empty or blank where none is known. */
  | "return-reasoning"
  /** Reasoning in members of the assistant's turns becomes parts of their content. */
  | "think-in-content"
  /** Parts of the assistant are output, those of others are input. */
  | "parts-by-role"
  /** Calls that Google did not sign have its stand-in for a signature. */
  | "sign-calls"
  /** The model is told not to think in answers that are not streamed. */
  | "no-thinking"
  /** No reasoning that is named by its id alone: its provider has not kept it. */
  | "without-named-reasoning"
  /** No reasoning state that its provider signed: it was refused as damaged or foreign. */
  | "without-seals";

/** One change to one request. */
export interface Repair {
  readonly kind: RepairKind;
  /** The name of the refused request's dialect: requests in another dialect have other members. */
  readonly dialect: string;
  /** The path of the member, as in `messages.*.name`, or the beta; "" for kinds that concern neither. */
  readonly member: string;
  /** A number that follows from the refusal, or the value that a member without effect may keep; null: none. */
  readonly amount: number | null;
  /** With `limit-answer`: what the refusal says of the model's context; absent: nothing. */
  readonly told?: { readonly contextTokens: number; readonly promptTokens: number | null };
  /** Holds for later requests too; false: it concerns this request alone. */
  readonly isLasting: boolean;
}

/** The repairs of a request, in the order in which they were found. */
export type Repairs = readonly Repair[];

/** One row: the words of a refusal and the repairs that they ask for. */
export interface Refusal {
  /**
   * Matches from the beginning of the words (^), so that words which quote the client do not match. Groups: `amount`,
   * `member` or `members` for a path or a list of paths (or of betas), `at` for the path of the object that holds `member`.
   */
  readonly words: RegExp;
  /** Changed together. With `without`, the members are read from the words unless `members` names them. */
  readonly repairs: readonly RepairKind[];
  readonly members?: readonly string[];
  /** The row is for requests that have none of these members. */
  readonly unlessSaid?: readonly string[];
  /** The HTTP statuses; 400 and 422 when absent. */
  readonly statuses?: readonly number[];
  /** The refusal concerns the value that this request has, or this request's own state. */
  readonly isOnce?: true;
}

/** The edit of a body for one kind of repair. */
export interface BodyEdit {
  /** The member that changes, by the dialect's name. */
  readonly field: string;
  /** The part of a translated request that changes for the client; null: its client cannot miss anything. */
  readonly parameter: Parameter | null;
  /** The change and its reason, in one sentence without a full stop. */
  readonly reason: string;
  /** Members of which the body names one, or there is nothing to change; absent: any body may have to be changed. */
  readonly concerns?: readonly string[];
  /** Returns the body itself when there is nothing to change. Parts that stay are the same objects. */
  change(body: JsonObject, repair: Repair): JsonObject;
}

/** The repairs of one dialect. */
export interface RepairRules {
  /** The first row that matches and asks for a repair counts. */
  readonly refusals: readonly Refusal[];
  /**
   * The members that a request can do without (hints, sampling, cache marks, administration), by their paths.
   * A `*` is any element of a list, `**` any schema within a JSON Schema. The value is the part of a translated request that the client then
   * misses; null: none. A refusal of any other member goes to the client.
   */
  readonly optional: Readonly<Record<string, Parameter | null>>;
  /** Members for which another repair than to leave them out helps. */
  readonly replaced: Readonly<Record<string, RepairKind>>;
  /** Members that servers know by two names. */
  readonly renamed: Readonly<Record<string, string>>;
  readonly edits: Readonly<Partial<Record<RepairKind, BodyEdit>>>;
  readonly limits: LimitPlaces;
  /** The header, in lower case, by which clients opt in to betas; null: the dialect has none. */
  readonly betaHeader: string | null;
}

/** The repairs that an encoder heeds, because only the neutral request tells how. */
export interface EncodeRepairs {
  readonly withoutSeals: boolean;
  readonly systemFirst: boolean;
  readonly returnReasoning: boolean;
}

const OF_MEMBERS: ReadonlySet<RepairKind> = new Set(["without", "without-beta", "rename"]);

export const NO_REPAIRS: Repairs = Object.freeze([]);

export function hasKind(repairs: Repairs, kind: RepairKind): boolean {
  return repairs.some((repair) => repair.kind === kind);
}

/**
 * Each repair is made once a request; a member is left out once, other members too. A limit may be lowered
 * again, and a member that got its other name may get the first one back.
 */
export function isSameRepair(one: Repair, other: Repair): boolean {
  if (one.kind !== other.kind || one.dialect !== other.dialect) return false;
  if (one.kind === "limit-answer") return one.member === other.member && one.amount === other.amount;
  return !OF_MEMBERS.has(one.kind) || one.member === other.member;
}

/** Whether one repair takes the other one back: a server knows only one of two names. */
export function isOppositeRepair(one: Repair, other: Repair): boolean {
  return one.kind === "rename" && other.kind === "rename" && !isSameRepair(one, other);
}

/** The repairs that concern requests in this dialect. */
export function repairsIn(dialect: string, repairs: Repairs): Repairs {
  const own = repairs.filter((repair) => repair.dialect === dialect);
  return own.length === 0 ? NO_REPAIRS : own;
}

/** The edit of the body for a repair; null: the dialect has none. */
function editOf(rules: RepairRules, repair: Repair, body: JsonObject): BodyEdit | null {
  const { kind, member } = repair;
  switch (kind) {
    case "without":
      return {
        field: member,
        parameter: rules.optional[member] ?? null,
        reason: "left out, because the upstream refuses it",
        change: (body) =>
          repair.amount !== null && body[member] === repair.amount
            ? body
            : (without(body, member.split(".")) as JsonObject),
      };
    case "rename":
      return rename(member, rules.renamed[member] ?? member);
    case "limit-answer":
      return limitAnswer(rules.limits, repair, body);
    default:
      return rules.edits[kind] ?? null;
  }
}

/** A body with its repairs. */
export interface RepairedBody {
  readonly body: JsonObject;
  /** The repairs that changed something. */
  readonly changes: readonly { readonly repair: Repair; readonly edit: BodyEdit }[];
}

export function repairBody(rules: RepairRules, body: JsonObject, repairs: Repairs): RepairedBody {
  let repaired = body;
  const changes = repairs.flatMap((repair) => {
    const before = repaired;
    const edit = editOf(rules, repair, before);
    repaired = edit?.change(before, repair) ?? before;
    return edit === null || repaired === before ? [] : [{ repair, edit }];
  });
  return { body: repaired, changes };
}

/**
 * Lowers the limit where this body has it: the repair may have been learned from a request that has it elsewhere. A
 * body without a limit gets one for its own refusal alone.
 */
function limitAnswer(limits: LimitPlaces, { member, amount, isLasting }: Repair, body: JsonObject): BodyEdit {
  const found = outputLimitIn(body, limits);
  const isMissing = found.tokens === null;
  const named = limits.answer.find((one) => one.join(".") === member) ?? limits.answer[0];
  const tokens = amount ?? Number.MAX_SAFE_INTEGER;
  return {
    field: (isMissing ? named : found.path).join("."),
    parameter: "maxOutputTokens",
    reason: `${tokens}, because more does not fit into the model`,
    change: (before) => withOutputLimit(before, limits, tokens, isMissing && !isLasting ? named : null),
  };
}

function rename(from: string, to: string): BodyEdit {
  return {
    field: from,
    parameter: null,
    reason: `sent as ${to}, because the upstream refuses this name`,
    change(body) {
      if (!Object.hasOwn(body, from)) return body;
      const { [from]: value, ...rest } = body;
      return Object.hasOwn(body, to) ? rest : { ...rest, [to]: value };
    },
  };
}

/** The value without the member at the path. */
function without(value: unknown, path: readonly string[]): unknown {
  const [step, ...rest] = path;
  if (step === "**") return withoutBelow(without(value, rest), path);
  if (step === "*") return Array.isArray(value) ? mapChanged(value, (item) => without(item, rest)) : value;
  const object = asObject(value);
  const name = object === null ? undefined : nameIn(object, step ?? "");
  if (object === null || name === undefined) return value;
  if (rest.length === 0) return Object.fromEntries(Object.entries(object).filter(([key]) => key !== name));
  const inner = without(object[name], rest);
  return inner === object[name] ? object : { ...object, [name]: inner };
}

/** A JSON Schema with the path followed from each schema inside it: names of properties, and data, are no members. */
function withoutBelow(schema: unknown, path: readonly string[]): unknown {
  const object = asObject(schema);
  if (object === null) return schema;
  const entries = Object.entries(object);
  const inner = mapChanged(entries, (entry) => {
    const [name, before] = entry as [string, unknown];
    let isChanged = false;
    const rebuild = (one: JsonObject): unknown => {
      const after = without(one, path);
      isChanged ||= after !== one;
      return after;
    };
    const after = mapSchemas(name, before, rebuild, "");
    return isChanged ? [name, after] : entry;
  });
  return inner === entries ? object : Object.fromEntries(inner as [string, unknown][]);
}

/** The object's own spelling of a name: Google's servers take snake case and camel case alike. */
function nameIn(object: JsonObject, name: string): string | undefined {
  if (Object.hasOwn(object, name)) return name;
  return Object.keys(object).find((key) => plainName(key) === plainName(name));
}

/** A name without its case and underscores, which servers and their refusals spell differently. */
export function plainName(name: string): string {
  return name.replaceAll("_", "").toLowerCase();
}

/** The list with its items changed; the list itself when none is. */
function mapChanged(items: readonly unknown[], change: (item: unknown) => unknown): readonly unknown[] {
  let isChanged = false;
  const changed = items.map((item) => {
    const result = change(item);
    isChanged ||= result !== item;
    return result;
  });
  return isChanged ? changed : items;
}

/** The body with the elements of a list changed that are objects. */
export function mapMember(
  body: JsonObject,
  name: string,
  change: (item: JsonObject) => JsonObject,
): JsonObject {
  const items = asArray(body[name]);
  const changed = mapChanged(items, (item) => {
    const object = asObject(item);
    return object === null ? item : change(object);
  });
  return changed === items ? body : { ...body, [name]: changed };
}
