/**
 * How servers of all dialects refuse a member of the request. Each row was seen at the server in its comment.
 * A refusal that names a member which is not optional matches too, and goes to the client.
 */
import type { Refusal } from "../repair.ts";

/** The path of a member, in quotes of any kind or bare. */
const M = "[`'\"]?(?<member>[A-Za-z_][\\w.[\\]$*-]*)[`'\"]?";

function refusing(pattern: string, isOnce = false): Refusal {
  const words = new RegExp(`^${pattern.replaceAll("MEMBER", M)}`, "i");
  return isOnce ? { words, repairs: ["without"], isOnce } : { words, repairs: ["without"] };
}

export const REFUSED_MEMBER: readonly Refusal[] = [
  // OpenAI until 2024 and Azure: diegosouzapw/OmniRoute#1836
  refusing("Unrecognized request arguments? supplied: (?<members>[\\w.,'\\[\\] ]+)"),
  // OpenAI: QuantumNous/new-api#418; several compatible servers say "field"
  refusing("Unknown (?:parameter|field|name|argument|key)s?:? MEMBER"),
  // OpenAI: caozhiyuan/copilot-api#164
  refusing("Unsupported (?:parameter|argument|field)s?: MEMBER"),
  // OpenAI's models that think take the default alone, so every value is refused
  refusing("Unsupported value: MEMBER does not support [^\\n]{0,80}Only the default"),
  refusing("Unsupported value: MEMBER (?:does not support|is not supported)", true),
  // Anthropic, and pydantic's list after it was read: anthropics/claude-code#31033, mistralai/platform-docs-public#7
  refusing(
    "MEMBER: (?:Extra inputs are not permitted|extra fields not permitted|Unrecognized|unknown field)",
  ),
  // Cherry Studio's report of a Groq-like server: CherryHQ/cherry-studio#16790
  refusing("MEMBER: property '[^']*' is unsupported"),
  // Groq for models that do not think: vercel/ai#8057
  refusing("MEMBER: `?[\\w ]+`? is not supported with this model"),
  // Fireworks: FlowiseAI/Flowise#2866
  refusing("Extra inputs are not permitted, field: MEMBER"),
  // Groq: vercel/ai#1578, karthink/gptel#774
  refusing("property MEMBER is unsupported"),
  refusing(
    "'(?<at>[\\w.]+)' ?: for 'role: ?\\w+' the following must be satisfied ?\\[\\('[\\w.]+' ?: property MEMBER is unsupported",
  ),
  // xAI: n8n-io/n8n#14581, miaoxworld/NativeTavern#83
  refusing("(?:Argument|Parameter) not supported (?:on|by|with|for) this model: MEMBER"),
  refusing("Model \\S+ does not support (?:the )?parameters? MEMBER"),
  // Go servers (Databricks, Ollama): continuedev/continue#12936
  refusing("json: unknown field MEMBER"),
  // Rust servers (serde)
  refusing("(?:(?<at>[\\w.[\\]]+): )?unknown field MEMBER(?:,| at |$)"),
  // Python servers
  {
    ...refusing("(?:[\\w.]+\\(\\) )?(?:got an )?unexpected keyword(?: argument)?:? MEMBER"),
    statuses: [400, 422, 500],
  },
  // JSON Schema and zod
  refusing("Additional properties are not allowed \\((?<members>[\\w'\", ]+) (?:was|were) unexpected\\)"),
  refusing("Unrecognized keys?(?:\\(s\\))?(?: in object)?: (?<members>[\\w'\", ]+)"),
  // LiteLLM
  refusing("[\\w.-]+ does not support parameters: \\[?(?<members>[\\w'\", ]+)"),
  // Google: googleapis/go-genai#83
  refusing("Invalid JSON payload received\\. Unknown name MEMBER(?: at '(?<at>[^']*)')?: Cannot find field"),
  // Anthropic's models that think: Aider-AI/aider#3720, danny-avila/LibreChat#11949
  refusing("MEMBER (?:may only be set to 1|must be unset) when thinking", true),
  refusing("MEMBER is not supported when thinking", true),
  // Groq's and vLLM's lists of values
  refusing("MEMBER must be one of", true),
  refusing("MEMBER: Input should be '", true),
  // OpenAI, for members that need another one
  refusing("(?:The )?MEMBER(?: parameter)? is only allowed when", true),
  refusing("This model does not support (?:the )?MEMBER(?: parameter)?\\."),
  refusing(
    "(?:The )?(?:parameter |field |argument )?MEMBER(?: parameter| field| argument| option)? is (?:deprecated|unsupported|unknown)",
  ),
  refusing(
    "(?:The )?(?:parameter |field |argument )?MEMBER(?: parameter| field| argument| option)? (?:is|are) not (?:supported|allowed|permitted)",
  ),
  refusing(
    "(?:The )?(?:parameter |field |argument )?MEMBER is not a (?:known|valid|recognized|supported) (?:parameter|field|argument|option)",
  ),
];
