import type { JsonObject } from "../../core/json.ts";
/**
 * Tools that Anthropic defines and the client runs. A request names only their type. Anthropic publishes the
 * definitions (docs.claude.com, pages on the bash, text editor and memory tools, read in November 2026);
 * other providers get them in full.
 */

export interface ClientTool {
  readonly name: string;
  readonly description: string;
  readonly parameters: JsonObject;
}

const text = (description: string): JsonObject => ({ type: "string", description });

const BASH: ClientTool = {
  name: "bash",
  description:
    "Runs commands in a bash session that persists between calls. Output and errors are returned. The session cannot run interactive programs.",
  parameters: {
    type: "object",
    properties: {
      command: text("The command to run. Required unless the session is restarted."),
      restart: { type: "boolean", description: "true restarts the session." },
    },
  },
};

const EDITOR_MEMBERS: JsonObject = {
  path: text("Path of the file or directory."),
  file_text: text("With create: the content of the file."),
  old_str: text(
    "With str_replace: the text to be replaced. It must occur exactly once, white space included.",
  ),
  new_str: text("With str_replace: the text that takes its place."),
  insert_line: {
    type: "integer",
    description: "With insert: the line after which the text goes; 0 is the beginning.",
  },
  view_range: {
    type: "array",
    items: { type: "integer" },
    description: "With view of a file: first and last line, counted from 1; -1 is the end of the file.",
  },
};

function editor(name: string, hasUndo: boolean): ClientTool {
  const commands = ["view", "create", "str_replace", "insert", ...(hasUndo ? ["undo_edit"] : [])];
  return {
    name,
    description: "Views, creates and edits text files. Line numbers begin at 1.",
    parameters: {
      type: "object",
      properties: {
        command: { type: "string", enum: commands, description: "What to do." },
        ...EDITOR_MEMBERS,
        ...(hasUndo
          ? { new_str: text("With str_replace and insert: the new text.") }
          : { insert_text: text("With insert: the text to insert.") }),
      },
      required: ["command", "path"],
    },
  };
}

const MEMORY: ClientTool = {
  name: "memory",
  description:
    "Keeps notes in files under /memories that last beyond this conversation. Look there before a task begins, and note progress as it goes on.",
  parameters: {
    type: "object",
    properties: {
      command: {
        type: "string",
        enum: ["view", "create", "str_replace", "insert", "delete", "rename"],
        description: "What to do.",
      },
      ...EDITOR_MEMBERS,
      insert_text: text("With insert: the text to insert."),
      old_path: text("With rename: the present path."),
      new_path: text("With rename: the new path."),
    },
    required: ["command"],
  },
};

const OLD_EDITOR = editor("str_replace_editor", true);
const EDITOR = editor("str_replace_based_edit_tool", false);

const CLIENT_TOOLS: ReadonlyMap<string, ClientTool> = new Map([
  ["bash_20241022", BASH],
  ["bash_20250124", BASH],
  ["text_editor_20241022", OLD_EDITOR],
  ["text_editor_20250124", OLD_EDITOR],
  ["text_editor_20250429", EDITOR],
  ["text_editor_20250728", EDITOR],
  ["memory_20250818", MEMORY],
]);

/** null: the client does not run the tool, or its definition is not stable (computer, browser). */
export function clientTool(type: string): ClientTool | null {
  return CLIENT_TOOLS.get(type) ?? null;
}
