// Holds a request to what its persona takes: its own rules first, then OpenAI's of Chat, then the room in the context.

import { countPrompt } from "../answer/prompt-cache.ts";
import type { SimRequest } from "../answer/request.ts";
import { asList, asRecord } from "../base/json.ts";
import { checkPersonaBody } from "../openai-chat/body.ts";
import { questionOf } from "../openai-chat/question.ts";
import { checkConversation } from "../openai-chat/rules.ts";
import type { Persona } from "./persona.ts";

/** Throws the persona's refusal if the request breaks a rule. */
export function checkPersona(request: SimRequest, persona: Persona): void {
  const { body, model, organization } = request;
  checkPersonaBody(body, persona.takes);
  const asked = {
    body,
    model,
    organization,
    messages: asList(body.messages).map(asRecord),
    isThinking: persona.thinks(body, model),
  };
  for (const rule of persona.rules) {
    const refusal = rule(asked);
    if (refusal !== undefined) {
      throw refusal;
    }
  }
  checkConversation(body);
  checkRoom(request, persona);
}

/** The tokens of a model whose name says so, as `local-32k`; every other model takes all. */
function contextOf(model: string): number {
  const thousands = /-(\d{1,4})k$/.exec(model)?.[1];
  return thousands === undefined ? Number.POSITIVE_INFINITY : Number(thousands) * 1024;
}

function checkRoom(request: SimRequest, persona: Persona): void {
  const contextTokens = contextOf(request.model);
  const { prompt, maxTokens: askedTokens } = questionOf(request);
  const promptTokens = countPrompt(prompt);
  if (promptTokens + (askedTokens ?? 1) > contextTokens) {
    throw persona.tooLong({ contextTokens, promptTokens, askedTokens });
  }
}
