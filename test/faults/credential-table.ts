/** The effect of each scripted failure on its credential, as a table over the simulator's scenarios. */
import type { Scenario } from "../../src/simulator/scenarios/scenario.ts";
import { SCENARIOS } from "../../src/simulator/scenarios/scenarios.ts";
import { GUESS_S, GUESSED_SCENARIOS, SERVER_SCENARIOS } from "../../src/simulator/scenarios/servers.ts";
import { CHAT, GEMINI, GEMINI_ARRAY, MESSAGES, RESPONSES, type Recording } from "../kit/recordings.ts";
import type { Way } from "./asking.ts";

/** A state as `clewline credentials --json` shows it. */
export interface Park {
  readonly state: "cooling" | "exhausted" | "forbidden";
  /** On the credential as a whole, or for the model that was asked. */
  readonly on: "credential" | "model";
  /** Seconds until the state ends, from the refusal at `atMs` on; null: it ends when a person acts. */
  leftS(atMs: number): number | null;
  /** The gateway guessed the time, or is told to ask again then, and doubles it when the credential is refused again. */
  readonly isGuess: boolean;
  /** A refusal of the key or for want of money is unconfirmed until a call of the gateway's own meets it too. */
  readonly isUnconfirmed: boolean;
}

export interface Case {
  /** Scenario, dialect and framing. */
  readonly name: string;
  /** Name of the upstream that has this case for itself. */
  readonly upstream: string;
  readonly family: Family;
  readonly way: Way;
  readonly scenario: Scenario;
  /** The fault that the first credential's key orders from the simulator. */
  readonly fault: string;
  /** The client's reply: an answer, or the provider's error unchanged. */
  readonly seen: "answer" | "the provider's error" | "an error in the stream";
  /** The request is sent once more with a change that the refusal asks for. */
  readonly isRepaired: boolean;
  /** The second credential answers after a failure; false: the failure is in the headers of a good answer. */
  readonly isFailure: boolean;
  readonly park: Park | null;
  /** A line for the first credential in the configuration. */
  readonly line: string;
  /** The provider names the time until its reset, so that a test can shorten it. */
  readonly tellsTime: boolean;
}

const OTHER_MODELS: Readonly<Record<Recording["dialect"], string>> = {
  "anthropic-messages": "claude-opus-4-6",
  gemini: "gemini-2.5-flash",
  "openai-chat": "gpt-4o",
  "openai-responses": "gpt-4o",
};

/** A model that a case did not ask for first. */
export function otherModel({ way }: Pick<Case, "way">): string {
  return OTHER_MODELS[way.recording.dialect];
}

type Family = Recording["family"] | "vertex";

function familyOf(name: string, { recording }: Way): Family {
  return name.startsWith("vertex/") ? "vertex" : recording.family;
}

/** A client's request may have brought the refusal about, so it holds for half a minute at first. */
const DOUBT_S = 30;

/** Failures without a time: the gateway's own first guess, in seconds. */
const GUESSED: Readonly<Record<string, number>> = {
  ...Object.fromEntries(GUESSED_SCENARIOS.map((name) => [name, GUESS_S])),
  "gemini/exhausted": 60,
  "vertex/quota": 60,
  "vertex/exhausted": 5,
  "compat/ok-rate-limit": 5,
  "compat/throttled-quota": 5,
  "compat/concurrency": 5,
  "compat/quota-exceeded": 5,
  "compat/openrouter-limited": 5,
  // At another host than OpenAI's the code says nothing about money.
  "openai/insufficient-quota": 5,
};
/** Compatible servers that say that the limit is the model's, or whose credential has `scope = "model"`. */
const OF_MODEL: ReadonlySet<string> = new Set([
  "compat/openrouter-limited",
  "compat/groq-tokens-per-minute",
  "openai/insufficient-quota",
]);
/** The meaning at the simulator's host, where it differs from the vendor's own. */
const MEANING_ELSEWHERE: Readonly<Record<string, Scenario["meaning"]>> = {
  "openai/insufficient-quota": "rate",
};
/** Refusals that ask for a change of the request. */
const REPAIRED: ReadonlySet<string> = new Set(["compat/openrouter-credits"]);
/** Limits of a feature that the client asked for: the client can do without the feature. */
const ABOUT_A_FEATURE: ReadonlySet<string> = new Set(["anthropic/fast-limit"]);

/** Longer times than these scenarios have, so that their limits last until the last round. */
const LENGTHENED_S: Readonly<Record<string, number>> = {
  "openai/rate-limit-ms": 90,
  "openai/rate-limit-text": 90,
};

/** The time is that of the next question, and not yet that of the end. */
const ASKED_AGAIN: ReadonlySet<string> = new Set(["gemini/daily-quota"]);

function parkFor(name: string, scenario: Scenario): Park | null {
  // A limit that fills up again has room after seconds: it is counted, and parks nobody.
  if (scenario.place === "headers") return null;
  const { scope, resetAtMs, resetS } = scenario;
  const meaning = MEANING_ELSEWHERE[name] ?? scenario.meaning;
  // The gateway assumes that compatible servers count for the whole key; the three vendors count per model.
  const isPerModel = OF_MODEL.has(name) || (scope.endsWith("-model") && !name.startsWith("compat/"));
  const on = isPerModel ? "model" : "credential";
  const toldS = (atMs: number): number | null =>
    resetAtMs === undefined ? (resetS ?? null) : (resetAtMs(atMs) - atMs) / 1000;
  const leftS = (atMs: number): number | null => LENGTHENED_S[name] ?? GUESSED[name] ?? toldS(atMs);
  switch (meaning) {
    case "rate":
      return { state: "cooling", on, leftS, isGuess: name in GUESSED, isUnconfirmed: false };
    case "quota":
      return { state: "exhausted", on, leftS, isGuess: ASKED_AGAIN.has(name), isUnconfirmed: false };
    case "credit":
      return {
        state: "exhausted",
        on: "credential",
        leftS: () => DOUBT_S,
        isGuess: true,
        isUnconfirmed: true,
      };
    case "invalid":
    case "misconfigured":
      return { state: "cooling", on: "credential", leftS: () => DOUBT_S, isGuess: true, isUnconfirmed: true };
    case "forbidden":
      return { state: "forbidden", on: "model", leftS: () => DOUBT_S, isGuess: true, isUnconfirmed: false };
    case "ok":
    case "overloaded":
    case "bad-request":
      return null;
  }
}

function recordingsFor(name: string): readonly Recording[] {
  if (name.startsWith("anthropic/")) return [MESSAGES];
  if (name.startsWith("gemini/")) return [GEMINI, GEMINI_ARRAY];
  if (name.startsWith("vertex/")) return [MESSAGES, GEMINI];
  if (name === "compat/openrouter-in-band" || Object.hasOwn(SERVER_SCENARIOS, name)) return [CHAT];
  return [CHAT, RESPONSES];
}

/** All cases: each scenario in each dialect of its family, whole and as a stream. */
export function makeCases(): Case[] {
  const cases: Case[] = [];
  for (const [name, scenario] of Object.entries(SCENARIOS)) {
    const isInBand = scenario.place === "in-band";
    const isStreamOnly = isInBand || name === "openai/must-be-verified-to-stream";
    for (const recording of recordingsFor(name)) {
      const ways: Way[] = [{ name: `${recording.name} stream`, recording, isStream: true }];
      if (!isStreamOnly && recording !== GEMINI_ARRAY)
        ways.push({ name: `${recording.name} whole`, recording, isStream: false });
      for (const way of ways) cases.push(...casesFor(name, scenario, way));
    }
  }
  return cases;
}

/** Refusals of a request that is larger than a limit of the first credential: the second one is asked as well. */
const ABOVE_A_LIMIT: ReadonlySet<string> = new Set(["openai/request-too-large"]);

function casesFor(name: string, scenario: Scenario, way: Way): Case[] {
  const isAboutFeature = ABOUT_A_FEATURE.has(name);
  const isOfRequest = scenario.meaning === "bad-request" && !ABOVE_A_LIMIT.has(name);
  const isBad = isOfRequest || isAboutFeature;
  const common = {
    family: familyOf(name, way),
    way,
    isRepaired: REPAIRED.has(name),
    park: isAboutFeature ? null : parkFor(name, scenario),
    // The gateway goes by the host, and the simulator's host is not the vendor's.
    line: name.startsWith("openai/") ? 'scope = "model"' : "",
    tellsTime:
      scenario.resetS !== undefined && GUESSED[name] === undefined && scenario.meaning !== "forbidden",
  };
  const make = (fault: string, suffix: string, rest: Pick<Case, "seen" | "isFailure">): Case => ({
    name: `${name}${suffix}, ${way.name}`,
    upstream: `${name}${suffix}-${way.name}`
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, "-")
      .slice(0, 64),
    scenario,
    fault,
    ...common,
    ...rest,
  });
  if (scenario.place === "in-band") {
    return [
      make(`${name},error-first`, " first", { seen: "answer", isFailure: true }),
      make(`${name},after=4`, " late", { seen: "an error in the stream", isFailure: true }),
    ];
  }
  const isFailure = scenario.place !== "headers";
  const lengthenedS = LENGTHENED_S[name];
  const fault = lengthenedS === undefined ? name : `${name},reset=${lengthenedS}`;
  return [make(fault, "", { seen: isBad ? "the provider's error" : "answer", isFailure })];
}
