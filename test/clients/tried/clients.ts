/**
 * The clients that are tried: where each comes from, how it is told of the gateway, and what it is asked.
 */
import { join } from "node:path";
import type { Page } from "playwright-core";
import { type Gate, PROGRAMS, type ProgramName } from "../programs.ts";
import { OPEN_WEBUI, SILLYTAVERN } from "./sites.ts";

/** A dialect, as clients with several call it. */
export type Way = "chat" | "responses" | "messages" | "gemini";
export type Task = "text" | "tools" | "structured";

/** One request of a client. */
export interface Case {
  readonly model: string;
  readonly way: Way;
  readonly task: Task;
  readonly prompt: string;
}

interface Base {
  readonly name: string;
  readonly ways: readonly Way[];
  readonly tasks: readonly Task[];
  /** Orders to the simulated model for the task with tools; absent: one call of `get_weather`. */
  readonly orders?: string;
  readonly env?: (gate: Gate, one: Case) => Readonly<Record<string, string>>;
  /** Its page in docs/clients/. */
  readonly page?: string;
}

/** Packages with their versions. */
export type Packages =
  | {
      readonly pip: readonly string[];
      /** What the packages require for work that nobody tries: left out, with all that it brings. */
      readonly without?: readonly string[];
    }
  | { readonly npm: readonly string[] };

/** A library: a script of ours asks all cases in one process. The code on its page is run as well. */
export interface Library extends Base {
  readonly from: Packages;
  /** In `python/` or `node/`. */
  readonly script: string;
}

/** A program, which is started for each case, set up as its page says if it has one. */
export interface CommandLine extends Base {
  readonly from: Packages;
  /** Files in the home folder, by path. */
  readonly settings?: (gate: Gate, one: Case) => Readonly<Record<string, string>>;
  /** Changes the file of its page for a case. */
  readonly edit?: (text: string, one: Case) => string;
  /** How the line of its page begins that is run once before others. */
  readonly login?: string;
  /** `place`: the folder of its commands. */
  readonly command: (place: string, one: Case) => readonly string[];
}

/** An agent of the client tests, which is set up as its page says. */
export interface Agent extends Base {
  readonly program: ProgramName;
}

/** A server with pages for a browser, which is used in Chromium as by a person. */
export interface Site extends Base {
  readonly from: Packages;
  /** Starts it at a port. */
  readonly serve: (place: string, port: number) => readonly string[];
  /** Sets it up in a browser that has just opened it, as its page says. */
  readonly open?: (page: Page, gate: Gate) => Promise<void>;
  /** Asks, and resolves to the answer as the page shows it. */
  readonly visit: (page: Page, one: Case) => Promise<string>;
}

export type Tried = Library | CommandLine | Agent | Site;

/** An order to the simulated model. */
export const WEATHER = '[[call get_weather {"city":"Knossos"}]]';

const ALL: readonly Way[] = ["chat", "responses", "messages", "gemini"];
const BOTH: readonly Task[] = ["text", "tools"];

function agent(name: string, program: ProgramName, way: Way): Agent {
  const orders = PROGRAMS[program].orders.run("cat notes.txt");
  return { name, program, ways: [way], tasks: ["tools"], orders };
}

export const CLIENTS: readonly Tried[] = [
  agent("Claude Code", "claude", "messages"),
  agent("Codex", "codex", "responses"),
  agent("Gemini CLI", "gemini", "gemini"),
  agent("Qwen Code", "qwen", "chat"),
  agent("Cline", "cline", "chat"),
  {
    name: "opencode",
    from: { npm: ["opencode-ai@1.18.33"] },
    ways: ["chat", "messages"],
    tasks: ["tools"],
    orders: "[[run cat notes.txt]]",
    page: "opencode",
    edit: (text, { model, way }) => {
      const chosen = way === "chat" ? text : text.replace("@ai-sdk/openai-compatible", "@ai-sdk/anthropic");
      const settings = JSON.parse(chosen);
      settings.provider.clewline.models[model] = {};
      return JSON.stringify({ ...settings, autoupdate: false, share: "disabled" });
    },
    command: (place, { model, prompt }) => [
      join(place, "opencode"),
      ...["run", "-m", `clewline/${model}`, prompt],
    ],
  },
  {
    name: "Continue",
    from: { npm: ["@continuedev/cli@1.5.47"] },
    ways: ["chat", "messages"],
    tasks: ["tools"],
    orders: "[[run cat notes.txt]]",
    page: "continue",
    edit: (text, { model, way }) =>
      text
        .replace("claude-haiku-4-5", model)
        .replace("provider: openai", `provider: ${way === "chat" ? "openai" : "anthropic"}`),
    command: (place, { prompt }) => [join(place, "cn"), "-p", prompt, "--auto"],
  },
  {
    name: "aider",
    from: { pip: ["aider-chat==0.86.2"] },
    ways: ["chat", "messages"],
    tasks: ["text"],
    page: "aider",
    env: (gate, { way }) =>
      way === "chat" ? {} : { ANTHROPIC_API_BASE: gate.url, ANTHROPIC_API_KEY: gate.key },
    command: (place, { model, prompt, way }) => [
      join(place, "aider"),
      ...["--model", `${way === "chat" ? "openai" : "anthropic"}/${model}`, "--message", prompt],
      ...["--no-git", "--yes-always", "--no-check-update", "--no-show-model-warnings", "--analytics-disable"],
    ],
  },
  {
    name: "llm",
    from: { pip: ["llm==0.36"] },
    ways: ["chat"],
    tasks: BOTH,
    page: "llm",
    edit: (text, { model }) => text.replace("claude-haiku-4-5", model),
    login: "llm keys set ",
    command: (place, { prompt, task }) => [
      join(place, "llm"),
      ...["-m", "clewline-haiku"],
      ...(task === "tools"
        ? ["--functions", 'def get_weather(city: str) -> str:\n  "The weather of a city"\n  return "sunny"']
        : []),
      prompt,
    ],
  },
  {
    name: "promptfoo",
    from: { npm: ["promptfoo@0.123.1"] },
    ways: ["chat"],
    tasks: ["text"],
    settings: (gate, { model, prompt }) => ({
      "promptfoo.json": JSON.stringify({
        prompts: [prompt],
        providers: [
          { id: `openai:chat:${model}`, config: { apiBaseUrl: `${gate.url}/v1`, apiKey: gate.key } },
        ],
        tests: [{ vars: { none: "" } }],
      }),
    }),
    env: () => ({ PROMPTFOO_DISABLE_TELEMETRY: "1", PROMPTFOO_DISABLE_UPDATE: "1" }),
    command: (place) => [
      "sh",
      "-c",
      `${join(place, "promptfoo")} eval -c ../promptfoo.json --no-cache --no-table -o out.json && cat out.json`,
    ],
  },
  {
    name: "LangChain",
    from: {
      pip: [
        "langchain==1.5.0",
        "langchain-openai==1.7.4",
        "langchain-anthropic==1.7.10",
        "langchain-google-genai==4.4.2",
      ],
    },
    script: "with_langchain.py",
    page: "langchain",
    ways: ALL,
    tasks: BOTH,
  },
  {
    name: "Pydantic AI",
    from: { pip: ["pydantic-ai-slim[openai,anthropic,google]==2.68.0"] },
    script: "with_pydantic_ai.py",
    page: "pydantic-ai",
    ways: ALL,
    tasks: BOTH,
  },
  {
    name: "OpenAI Agents SDK",
    from: { pip: ["openai-agents==0.24.0"] },
    script: "with_openai_agents.py",
    page: "openai-agents-sdk",
    ways: ["chat", "responses"],
    tasks: BOTH,
  },
  {
    name: "Haystack",
    from: { pip: ["haystack-ai==3.4.1"] },
    script: "with_haystack.py",
    ways: ["chat"],
    tasks: BOTH,
  },
  {
    name: "instructor",
    from: { pip: ["instructor[anthropic,google-genai]==1.17.0"] },
    script: "with_instructor.py",
    ways: ["chat", "messages", "gemini"],
    tasks: ["structured"],
  },
  {
    name: "DSPy",
    from: { pip: ["dspy==3.4.1"] },
    script: "with_dspy.py",
    ways: ["chat", "messages"],
    tasks: ["text"],
  },
  {
    name: "smolagents",
    from: { pip: ["smolagents[openai]==1.26.0"] },
    script: "with_smolagents.py",
    ways: ["chat"],
    tasks: ["tools"],
    orders: `${WEATHER} [[call final_answer {"answer":"The result of the tool has been read."}]]`,
  },
  {
    name: "LlamaIndex",
    from: { pip: ["llama-index-llms-openai-like==0.8.1", "llama-index-llms-google-genai==0.11.3"] },
    script: "with_llama_index.py",
    page: "llamaindex",
    ways: ["chat", "gemini"],
    tasks: BOTH,
  },
  {
    name: "LiteLLM as a client",
    from: { pip: ["litellm==1.110.0"] },
    script: "with_litellm.py",
    page: "litellm",
    ways: ["chat", "messages", "gemini"],
    tasks: BOTH,
  },
  {
    name: "Google ADK",
    from: { pip: ["google-adk==2.13.0"] },
    script: "with_google_adk.py",
    page: "google-adk",
    ways: ["gemini"],
    tasks: BOTH,
    env: (gate) => ({ GOOGLE_API_KEY: gate.key }),
  },
  {
    name: "CrewAI",
    from: { pip: ["crewai==1.15.30"] },
    script: "with_crewai.py",
    page: "crewai",
    ways: ["chat"],
    tasks: BOTH,
    env: () => ({ CREWAI_DISABLE_TELEMETRY: "true", OTEL_SDK_DISABLED: "true" }),
  },
  {
    name: "Agno",
    from: { pip: ["agno==3.1.10", "openai==3.57.0", "anthropic==2.14.0"] },
    script: "with_agno.py",
    ways: ["chat", "messages"],
    tasks: BOTH,
  },
  {
    name: "Claude Agent SDK",
    from: { pip: ["claude-agent-sdk==0.2.184"] },
    script: "with_claude_agent_sdk.py",
    ways: ["messages"],
    tasks: BOTH,
    orders: "[[run echo sunny]]",
    env: (gate) => ({ ANTHROPIC_BASE_URL: gate.url, ANTHROPIC_AUTH_TOKEN: gate.key }),
  },
  {
    name: "AI SDK 6",
    from: {
      npm: [
        "ai@6.0.326",
        "@ai-sdk/openai@3.0.141",
        "@ai-sdk/openai-compatible@2.0.92",
        "@ai-sdk/anthropic@3.0.140",
        "@ai-sdk/google@3.0.141",
        "zod@4.6.7",
      ],
    },
    script: "with-ai-sdk.mjs",
    ways: ALL,
    tasks: BOTH,
  },
  {
    name: "LangChain.js",
    from: {
      npm: [
        "langchain@1.5.14",
        "@langchain/core@1.4.0",
        "@langchain/openai@1.5.8",
        "@langchain/anthropic@1.5.11",
        "@langchain/google-genai@2.3.2",
        "zod@4.6.7",
      ],
    },
    script: "with-langchain.mjs",
    ways: ["chat", "messages", "gemini"],
    tasks: BOTH,
  },
  {
    name: "Mastra",
    from: { npm: ["@mastra/core@1.71.0", "zod@4.6.7"] },
    script: "with-mastra.mjs",
    ways: ["chat"],
    tasks: BOTH,
  },
  OPEN_WEBUI,
  SILLYTAVERN,
];
