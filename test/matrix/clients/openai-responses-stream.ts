/**
 * Folds the stream of Responses, and holds it to its grammar: items come one after the other, and each final
 * item equals its pieces.
 */
import { isDeepStrictEqual } from "node:util";
import type { Json, Trouble } from "../conversation.ts";
import { anything, count, events, filled, need, object, parseObject, record, text } from "../wire.ts";
import { failedResponse, item, startedResponse, wholeResponse } from "./openai-responses-forms.ts";

const common = { type: anything, sequence_number: count };
const place = { ...common, item_id: filled, output_index: count };
const inContent = { ...place, content_index: count };
const inSummary = { ...place, summary_index: count };
const delta = { delta: filled };

/** The members of every event. */
const FORMS: Readonly<Record<string, ReturnType<typeof record>>> = {
  "response.created": record({ ...common, response: startedResponse }),
  "response.in_progress": record({ ...common, response: startedResponse }),
  "response.output_item.added": record({ ...common, output_index: count, item: object }),
  "response.output_item.done": record({ ...common, output_index: count, item: object }),
  "response.content_part.added": record({ ...inContent, part: object }),
  "response.content_part.done": record({ ...inContent, part: object }),
  "response.output_text.delta": record({ ...inContent, ...delta, logprobs: anything }),
  "response.output_text.done": record({ ...inContent, text, logprobs: anything }),
  "response.output_text.annotation.added": record({
    ...inContent,
    annotation_index: count,
    annotation: object,
  }),
  "response.refusal.delta": record({ ...inContent, ...delta }),
  "response.refusal.done": record({ ...inContent, refusal: filled }),
  "response.reasoning_text.delta": record({ ...inContent, ...delta }),
  "response.reasoning_text.done": record({ ...inContent, text: filled }),
  "response.reasoning_summary_part.added": record({ ...inSummary, part: object }),
  "response.reasoning_summary_part.done": record({ ...inSummary, part: object }),
  "response.reasoning_summary_text.delta": record({ ...inSummary, ...delta }),
  "response.reasoning_summary_text.done": record({ ...inSummary, text: filled }),
  "response.function_call_arguments.delta": record({ ...place, ...delta }),
  "response.function_call_arguments.done": record({ ...place, arguments: filled }, { name: filled }),
  "response.web_search_call.in_progress": record(place),
  "response.web_search_call.searching": record(place),
  "response.web_search_call.completed": record(place),
  "response.completed": record({ ...common, response: wholeResponse }),
  "response.incomplete": record({ ...common, response: wholeResponse }),
  "response.failed": record({ ...common, response: failedResponse }),
  // The SDK makes its exception from the member `error`; other clients read the members beside it.
  error: record(
    { ...common, code: filled, message: filled, param: anything },
    { error: record({ type: filled, code: filled, message: filled, param: anything }) },
  ),
};

/** The events that may come next in an open part, by the part's last event. */
const NEXT: Readonly<Record<string, readonly string[]>> = {
  output_text: ["output_text.delta", "output_text.annotation.added", "output_text.done"],
  refusal: ["refusal.delta", "refusal.done"],
  reasoning_text: ["reasoning_text.delta", "reasoning_text.done"],
  summary_text: ["reasoning_summary_text.delta", "reasoning_summary_text.done"],
};

interface OpenPart {
  readonly part: Json;
  /** Its text is said to be done. */
  isTold: boolean;
}

export function foldEvents(stream: string): { readonly response: Json; readonly trouble: Trouble | null } {
  const fold = new ResponseFold();
  for (const [index, { name, data }] of events(stream).entries()) {
    const event = parseObject(data, "event");
    const type = String(event.type);
    need(name === type, `the event ${name} has data of type ${type}`);
    const form = FORMS[type];
    need(form !== undefined, `nobody knows the event ${type}`);
    form(event, type);
    need(
      event.sequence_number === index,
      `${type} has number ${String(event.sequence_number)}, not ${index}`,
    );
    fold.add(type, event, index);
  }
  return fold.end();
}

class ResponseFold {
  readonly #done: Json[] = [];
  #item: Json | null = null;
  #part: OpenPart | null = null;
  #searchSteps: string[] = [];
  #last: Json | null = null;
  #trouble: Trouble | null = null;
  #isOver = false;

  add(type: string, event: Json, index: number): void {
    // Some clients read the failed response, others the error: both are there and agree.
    const isEcho = type === "error" && this.#trouble !== null && !this.#isOver;
    need((this.#last === null && this.#trouble === null) || isEcho, `${type} comes behind the end`);
    if (type === "error") {
      const { code, message } = event as { code: string; message: string };
      const { type: kind = null } = (event.error ?? {}) as { type?: string };
      const said = this.#trouble;
      need(said === null || (said.code === code && said.message === message), "the error is another one");
      this.#trouble = { status: null, type: kind, code, message, fields: [] };
      this.#isOver = true;
      return;
    }
    if (type === "response.failed" && index === 0) {
      this.#fail(event.response as Json);
      return;
    }
    const opening = ["response.created", "response.in_progress"][index];
    need(opening === undefined || opening === type, `${type} comes where ${opening} should`);
    need(opening !== undefined || !/^response\.(created|in_progress)$/.test(type), `${type} comes again`);
    switch (type) {
      case "response.created":
      case "response.in_progress":
        return;
      case "response.output_item.added":
        this.#added(event);
        return;
      case "response.output_item.done":
        this.#itemDone(event);
        return;
      case "response.completed":
      case "response.incomplete":
        this.#finished(type, event.response as Json);
        return;
      case "response.failed":
        this.#fail(event.response as Json);
        return;
      default:
        this.#within(type.slice("response.".length), event);
    }
  }

  #added({ output_index, item: added }: Json): void {
    need(this.#item === null, "an item is added while another is open");
    need(
      output_index === this.#done.length,
      `item ${String(output_index)} is added as number ${this.#done.length}`,
    );
    this.#item = structuredClone(added) as Json;
    const { type, status, content, summary, arguments: args } = this.#item;
    need(type === "reasoning" || status === "in_progress", "an item begins in progress");
    need(
      ((content ?? summary ?? []) as unknown[]).length === 0 && (args ?? "") === "",
      "an item begins empty",
    );
    this.#searchSteps = [];
  }

  #within(type: string, event: Json): void {
    const item = this.#item;
    need(item !== null, `${type} without an open item`);
    need(event.item_id === item.id && event.output_index === this.#done.length, `${type} is of another item`);
    const [group, step] = [type.slice(0, type.lastIndexOf(".")), type.slice(type.lastIndexOf(".") + 1)];
    if (group === "function_call_arguments") {
      if (step === "delta") item.arguments = `${item.arguments as string}${event.delta as string}`;
      else need(item.arguments === event.arguments, "the arguments are not those that were told");
      return;
    }
    if (group === "web_search_call") {
      this.#searchSteps.push(step);
      return;
    }
    if (type.endsWith("part.added")) this.#partAdded(item, event);
    else if (type.endsWith("part.done")) this.#partDone(event);
    else this.#inPart(type, event);
  }

  #partAdded(item: Json, { content_index, summary_index, part }: Json): void {
    need(this.#part === null, "a part is added while another is open");
    const member = content_index === undefined ? "summary" : "content";
    const parts = (item[member] ?? []) as Json[];
    need((content_index ?? summary_index) === parts.length, "a part is added out of order");
    const added = structuredClone(part) as Json;
    need((added.text ?? added.refusal) === "", "a part begins empty");
    this.#part = { part: added, isTold: false };
    item[member] = [...parts, added];
  }

  #inPart(type: string, event: Json): void {
    const open = this.#part;
    need(open !== null && !open.isTold, `${type} without an open part`);
    need(
      NEXT[String(open.part.type)]?.includes(type) === true,
      `${type} in a part ${String(open.part.type)}`,
    );
    const member = open.part.type === "refusal" ? "refusal" : "text";
    if (type.endsWith(".delta")) {
      open.part[member] = `${open.part[member] as string}${event.delta as string}`;
    } else if (type.endsWith("annotation.added")) {
      const annotations = open.part.annotations as unknown[];
      need(event.annotation_index === annotations.length, "an annotation comes out of order");
      open.part.annotations = [...annotations, event.annotation];
    } else {
      need(open.part[member] === event[member], "the text is not the one that was told");
      open.isTold = true;
    }
  }

  #partDone({ part }: Json): void {
    need(this.#part?.isTold === true, "a part is done before its text");
    need(
      isDeepStrictEqual(this.#part.part, part),
      `the part is not the one that was told: ${JSON.stringify(part)}`,
    );
    this.#part = null;
  }

  #itemDone({ output_index, item: done }: Json): void {
    const open = this.#item;
    need(open !== null && output_index === this.#done.length, "an item is done that is not open");
    need(this.#part === null, "an item is done before its part");
    const whole = done as Json;
    for (const member of ["id", "type", "content", "summary", "arguments", "call_id", "name"]) {
      need(
        isDeepStrictEqual(open[member], whole[member]),
        `${member} of the item is not what was told: ${JSON.stringify([open, whole])}`,
      );
    }
    const isSearch = whole.type === "web_search_call";
    need(
      !isSearch || this.#searchSteps.join(" ") === "in_progress searching completed",
      "a search has three steps",
    );
    this.#done.push(whole);
    this.#item = null;
  }

  #finished(type: string, response: Json): void {
    need(this.#item === null, "the response ends with an item open");
    need(type === `response.${String(response.status)}`, `${type} has status ${String(response.status)}`);
    for (const one of this.#done) item(one, "done item");
    need(isDeepStrictEqual(response.output, this.#done), "output is not the items that were done");
    this.#last = response;
  }

  #fail(response: Json): void {
    // A relayed stream that broke off ends without its response.
    const isWhole = response.instructions !== undefined;
    need(!isWhole || this.#item === null, "the response fails with an item open");
    need(
      !isWhole || isDeepStrictEqual(response.output, this.#done),
      "output is not the items that were done",
    );
    const { code, message, type = null } = response.error as { code: string; message: string; type?: string };
    this.#trouble = { status: null, type, code, message, fields: [] };
  }

  end(): { readonly response: Json; readonly trouble: Trouble | null } {
    if (this.#trouble !== null)
      return {
        response: { output: this.#item === null ? this.#done : [...this.#done, this.#item] },
        trouble: this.#trouble,
      };
    need(this.#last !== null, "the stream has no last event");
    return { response: this.#last, trouble: null };
  }
}
