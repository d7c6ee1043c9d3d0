/**
 * The Messages API in the form of Vertex AI: the path names the model, and the body has the version that the header has
 * elsewhere. Both forms differ in one member, so a request goes from one to the other by an edit of its bytes:
 * https://cloud.google.com/vertex-ai/generative-ai/docs/partner-models/claude/use-claude
 */
import { Buffer } from "node:buffer";
import { insertMember, removeMember, replaceMember } from "../../wire/json-member.ts";
import type { SpliceEdit } from "../../wire/json-splice.ts";
import type { Peek } from "../dialect.ts";
import type { MessagesPeek } from "./peek.ts";

/**
 * The name of a model on Vertex AI, where its date follows `@`: https://docs.claude.com/en/docs/about-claude/models. Models without
 * a date have one name.
 */
export function vertexNameOf(model: string): string {
  return model.replace(/-(\d{8})$/, "@$1");
}

/** What the official SDK of Vertex AI says when its caller says nothing. */
const VERSION = Buffer.from('"anthropic_version":"vertex-2023-10-16"');

function namedModel(model: string): Uint8Array {
  return Buffer.from(`"model":${JSON.stringify(model)}`);
}

function modelEdit({ modelStart, modelEnd }: Peek, model: string): SpliceEdit {
  return { start: modelStart, end: modelEnd, replacement: Buffer.from(JSON.stringify(model)) };
}

/** The edits that bring a body into the form of Vertex AI. `peek`: of this body, by this dialect. */
export function toVertexForm(body: Uint8Array, peek: Peek): readonly SpliceEdit[] {
  const { version, insertAt } = peek as MessagesPeek;
  const model = modelIn(peek);
  if (model === null) return version === null ? [insertMember(body, insertAt, VERSION)] : [];
  return [version === null ? replaceMember(body, model, VERSION) : removeMember(body, model)];
}

/** The same for a count of tokens, whose body names the model on Vertex AI too. */
export function toVertexCount(body: Uint8Array, peek: Peek, model: string): readonly SpliceEdit[] {
  const { version, insertAt } = peek as MessagesPeek;
  const edits = version === null ? [insertMember(body, insertAt, VERSION)] : [];
  if (peek.model === null) return edits;
  return peek.model === model ? edits : [...edits, modelEdit(peek, model)];
}

/** The edits that bring a body in the form of Vertex AI into that of Anthropic's own API. */
export function fromVertexForm(body: Uint8Array, peek: Peek, vertexModel: string): readonly SpliceEdit[] {
  const { version, insertAt } = peek as MessagesPeek;
  const model = vertexModel.replace(/@(\d{8})$/, "-$1");
  if (peek.model === null) {
    const named = namedModel(model);
    return [version === null ? insertMember(body, insertAt, named) : replaceMember(body, version, named)];
  }
  const edits = version === null ? [] : [removeMember(body, version)];
  if (peek.model !== model) edits.push(modelEdit(peek, model));
  return edits.sort((a, b) => a.start - b.start);
}

function modelIn({ modelStart, modelEnd }: Peek): { readonly start: number; readonly end: number } | null {
  return modelStart === -1 ? null : { start: modelStart, end: modelEnd };
}
