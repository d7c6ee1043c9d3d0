/**
 * Rules over more than one key. They read the written values, so that they also apply when a type is wrong.
 */

import { suggest } from "../core/nearest.ts";
import { findSlip } from "./base-url.ts";
import { checkCache } from "./cache/check-cache.ts";
import { checkCapture } from "./capture/check-capture.ts";
import { checkKeys } from "./check-keys.ts";
import type { Draft } from "./draft.ts";
import { checkPool } from "./pool/check-pool.ts";
import { checkPrices } from "./prices/check-prices.ts";
import { HIDDEN, type Path, renderPath, renderValue } from "./problem.ts";
import {
  DEFAULT_BODY_LIMIT_BYTES,
  DEFAULT_MEMORY_BYTES,
  FAMILIES_WITH_CHOICE,
  FAMILIES_WITH_PLACES,
  FAMILY_DIALECTS,
} from "./schema.ts";
import { TARGET_ORDERS, type TargetOrder } from "./schema-models.ts";
import { isTree, type Tree } from "./toml/toml.ts";
import { SERVER_BASE_URLS, SERVER_NAMES } from "./upstreams/servers.ts";

/** Adds a problem to the draft for every broken rule. */
export function checkTogether(draft: Draft): void {
  checkNames(draft);
  checkUpstreams(draft);
  checkKeys(draft);
  checkModels(draft);
  checkTraits(draft);
  checkPrices(draft);
  checkCache(draft);
  checkCapture(draft);
  checkPool(draft);
  checkPorts(draft);
  checkMemory(draft);
}

function checkNames(draft: Draft): void {
  const lists: (readonly [list: Path, key: "name" | "match" | "model"])[] = [
    [["upstreams"], "name"],
    [["keys"], "name"],
    [["teams"], "name"],
    [["models"], "name"],
    [["traits"], "match"],
    [["alerts", "channels"], "name"],
    ...draft.tables(["upstreams"]).map(({ path }) => [[...path, "credentials"], "name"] as const),
    ...draft.tables(["keys"]).map(({ path }) => [[...path, "per_model"], "model"] as const),
  ];
  for (const [list, key] of lists) {
    const firsts = new Map<string, Path>();
    for (const { table, path } of draft.tables(list)) {
      const name = table[key];
      if (typeof name !== "string") continue;
      const first = firsts.get(name);
      if (first === undefined) firsts.set(name, path);
      else {
        const line = draft.lineOf([...first, key]);
        const place = line === null ? "" : ` (line ${line})`;
        draft.refuse(
          [...path, key],
          `is also the ${key} of ${renderPath(first)}${place}`,
          key === "name" ? "give each entry its own name" : "write both entries as one",
        );
      }
    }
  }
}

/** Families of one kind of server: it speaks one dialect, or the model decides. */
const WITHOUT_CHOICE: readonly unknown[] = Object.keys(FAMILY_DIALECTS).filter(
  (family) => !FAMILIES_WITH_CHOICE.some((one) => one === family),
);

/** Servers without a base URL of their makers. */
const SERVERS_AT_HOME: readonly unknown[] = SERVER_NAMES.filter((name) => SERVER_BASE_URLS[name] === null);

function checkUpstreams(draft: Draft): void {
  for (const { table, path } of draft.tables(["upstreams"])) {
    checkCredentials(draft, path, table);
    checkBaseUrl(draft, [...path, "base_url"], table);
    checkPlaces(draft, path, table.family);
    if (table.dialects !== undefined && WITHOUT_CHOICE.includes(table.family)) {
      draft.refuse(
        [...path, "dialects"],
        `family ${table.family} speaks one dialect only`,
        "remove the line",
      );
    }
    checkServer(draft, path, table);
  }
}

/** The servers are those of one family, and some have no base URL but the one that is written. */
function checkServer(draft: Draft, path: Path, { family, server, base_url: url }: Tree): void {
  if (server === undefined) return;
  if (WITHOUT_CHOICE.includes(family))
    draft.refuse(
      [...path, "server"],
      "has no meaning for this family",
      `remove the line; it is for ${FAMILIES_WITH_CHOICE.join(", ")}`,
    );
  else if (typeof server === "string" && url === undefined && SERVERS_AT_HOME.includes(server))
    draft.refuse(path, `has no base_url, and a server ${server} has no usual one`, "add base_url");
}

/** Only the credentials of some families have a project and a region. */
function checkPlaces(draft: Draft, path: Path, family: unknown): void {
  if (FAMILIES_WITH_PLACES.some((one) => one === family)) return;
  for (const { table, path: credential } of draft.tables([...path, "credentials"])) {
    for (const key of ["project", "region"] as const) {
      if (table[key] !== undefined)
        draft.refuse(
          [...credential, key],
          `has no meaning for this family`,
          `remove the line; it is for ${FAMILIES_WITH_PLACES.join(", ")}`,
        );
    }
  }
}

function checkCredentials(draft: Draft, path: Path, table: Tree): void {
  const { credentials, caller_credentials: areCallers, family } = table;
  const hasNone = credentials === undefined || (Array.isArray(credentials) && credentials.length === 0);
  if (hasNone && areCallers !== true) {
    draft.refuse(
      path,
      "has no credentials",
      'add [[upstreams.credentials]] with name and api_key below it (api_key = "none" for a server that asks for no key), or write caller_credentials = true to pass those of callers on',
    );
  } else if (areCallers === true && (table.headers !== undefined || table.query !== undefined)) {
    draft.refuse(
      [...path, "caller_credentials"],
      "cannot stand beside headers and query, whose values only a pool's credential keeps out of replies",
      "remove one of the two; write a second upstream for the other",
    );
  } else if (!hasNone && areCallers === true) {
    draft.refuse(
      [...path, "caller_credentials"],
      "cannot stand beside [[upstreams.credentials]]",
      "remove one of the two; write a second upstream for the other",
    );
  } else if (areCallers === true && FAMILIES_WITH_PLACES.some((one) => one === family)) {
    draft.refuse(
      [...path, "caller_credentials"],
      "cannot be used with this family, whose credentials have a project each",
      "remove the line, and add [[upstreams.credentials]]",
    );
  }
}

function checkBaseUrl(draft: Draft, path: Path, { family, base_url: url }: Tree): void {
  const slip = typeof url === "string" ? findSlip(family, url) : null;
  if (slip === null) return;
  const shown = renderValue(slip.suggested, false);
  const repair = shown === HIDDEN ? "write the URL up to there" : `write ${shown}`;
  draft.refuse(path, `ends in the path of an endpoint (${slip.ending})`, repair);
}

function checkModels(draft: Draft): void {
  const upstreams = draft
    .tables(["upstreams"])
    .flatMap(({ table }) => (typeof table.name === "string" ? [table.name] : []));
  for (const { table, path } of draft.tables(["models"])) {
    for (const name of ["defaults", "fixed"] as const) checkParameters(draft, [...path, name], table[name]);
    for (const key of ["targets", "on_overflow", "on_refusal"] as const) {
      textsIn(table[key]).forEach(([target, index]) => {
        checkTarget(draft, [...path, key, index], target, table.name, upstreams);
      });
    }
    checkWeights(draft, path, table);
    checkDetours(draft, path, table);
  }
}

/** The texts of a list with their places. A value of the wrong type has a problem already. */
function textsIn(list: unknown): readonly (readonly [text: string, index: number])[] {
  if (!Array.isArray(list)) return [];
  return list.flatMap((text: unknown, index) => (typeof text === "string" ? [[text, index] as const] : []));
}

const WEIGHED_ORDERS: readonly TargetOrder[] = ["weighted", "least-busy"];

function checkWeights(draft: Draft, path: Path, { targets, weights, order = "given" }: Tree): void {
  if (!Array.isArray(weights)) return;
  const orders: readonly unknown[] = WEIGHED_ORDERS;
  if (TARGET_ORDERS.some((known) => known === order) && !orders.includes(order)) {
    draft.refuse(
      [...path, "weights"],
      `have no effect with order = "${order}"`,
      `write order = "weighted" or "least-busy", or remove the line`,
    );
  } else if (Array.isArray(targets) && weights.length > 0 && weights.length !== targets.length) {
    draft.refuse(
      [...path, "weights"],
      `has ${counted(weights.length, "number")} for ${counted(targets.length, "target")}`,
      "give one weight for each target",
    );
  }
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** A detour that leads back to the targets it leaves would be asked in vain. */
function checkDetours(draft: Draft, path: Path, table: Tree): void {
  const targets = new Set(textsIn(table.targets).map(([target]) => target));
  for (const key of ["on_overflow", "on_refusal"] as const) {
    const seen = new Set<string>();
    for (const [target, index] of textsIn(table[key])) {
      const place = [...path, key, index];
      if (targets.size === 1 && targets.has(target)) {
        draft.refuse(place, "is the entry's only target", "name another model, or remove it");
      } else if (seen.has(target)) draft.refuse(place, "is named twice", "name each target once");
      seen.add(target);
    }
  }
}

function checkParameters(draft: Draft, path: Path, parameters: unknown): void {
  if (!isTree(parameters)) return;
  if (parameters.effort !== undefined && parameters.thinking_budget_tokens !== undefined) {
    draft.refuse(
      [...path, "thinking_budget_tokens"],
      "cannot be combined with effort",
      "keep one of the two",
    );
  }
}

function checkTraits(draft: Draft): void {
  for (const { table, path } of draft.tables(["traits"])) {
    const { thinking, efforts, min_budget_tokens: min, max_budget_tokens: max } = table;
    const refuse = (key: string, other: string): void => {
      if (table[key] !== undefined)
        draft.refuse([...path, key], `cannot be combined with ${other}`, "remove one of the two");
    };
    if (typeof thinking === "string") {
      if (thinking !== "effort") refuse("efforts", `thinking = "${thinking}"`);
      if (thinking !== "budget") {
        refuse("min_budget_tokens", `thinking = "${thinking}"`);
        refuse("max_budget_tokens", `thinking = "${thinking}"`);
      }
    } else if (efforts !== undefined) {
      refuse("min_budget_tokens", "efforts");
      refuse("max_budget_tokens", "efforts");
    }
    if (typeof min === "number" && typeof max === "number" && min > max) {
      draft.refuse([...path, "min_budget_tokens"], "is above max_budget_tokens", "swap the two values");
    }
    const canDisable = table.can_disable_thinking;
    if (
      typeof canDisable === "boolean" &&
      Array.isArray(efforts) &&
      efforts.includes("none") !== canDisable
    ) {
      draft.refuse(
        [...path, "can_disable_thinking"],
        "contradicts efforts",
        'remove this line, because "none" in efforts decides',
      );
    }
  }
}

function checkTarget(
  draft: Draft,
  path: Path,
  target: string,
  name: unknown,
  upstreams: readonly string[],
): void {
  const slash = target.indexOf("/");
  if (slash < 1 || slash === target.length - 1 || /[\s\p{C}]/u.test(target)) {
    draft.refuse(
      path,
      "is not a target",
      'write the target as upstream/model, as in "anthropic/claude-haiku-4-5"',
    );
    return;
  }
  const upstream = target.slice(0, slash);
  if (!upstreams.includes(upstream)) {
    const known =
      upstreams.length === 0 ? "add [[upstreams]] with this name" : `upstreams: ${upstreams.join(", ")}`;
    draft.refuse(path, "does not begin with the name of an upstream", suggest(upstream, upstreams, known));
  }
  const stars = target.split("*").length - 1;
  if (stars > 1)
    draft.refuse(
      path,
      "has more than one *",
      "keep one *, which is replaced by the text that the * of the name matched",
    );
  if (stars === 1 && typeof name === "string" && !name.endsWith("*")) {
    draft.refuse(
      path,
      "has a * but the model's name has none",
      "end the name in *, or write the model in full",
    );
  }
}

/** A body that never fits would be refused again and again. */
function checkMemory(draft: Draft): void {
  const memoryBytes = draft.get(["server", "memory_bytes"]) ?? DEFAULT_MEMORY_BYTES;
  const bodyBytes = draft.get(["server", "body_limit_bytes"]) ?? DEFAULT_BODY_LIMIT_BYTES;
  if (typeof memoryBytes !== "number" || typeof bodyBytes !== "number" || 2 * bodyBytes <= memoryBytes)
    return;
  draft.refuse(
    ["server", draft.get(["server", "memory_bytes"]) === undefined ? "body_limit_bytes" : "memory_bytes"],
    `allows less memory for all bodies (${memoryBytes} bytes) than a single one takes (twice its ${bodyBytes} bytes)`,
    "raise server.memory_bytes, or lower server.body_limit_bytes",
  );
}

function checkPorts(draft: Draft): void {
  const port = draft.get(["metrics", "port"]);
  if (typeof port === "number" && port !== 0 && port === (draft.get(["server", "port"]) ?? 8484)) {
    draft.refuse(["metrics", "port"], "is also server.port", "give metrics another port, or remove the line");
  }
}
