/** Ready-made pieces for the clients that people use, with the real address and key. */
export interface Snippet {
  readonly name: string;
  readonly text: (baseUrl: string, key: string, model: string) => string;
}

export const SNIPPETS: readonly Snippet[] = [
  {
    name: "curl",
    text: (url, key, model) =>
      `curl ${url}/v1/chat/completions \\\n  -H "authorization: Bearer ${key}" -H "content-type: application/json" \\\n  -d '{"model": "${model}", "messages": [{"role": "user", "content": "Hello"}]}'`,
  },
  {
    name: "Claude Code",
    text: (url, key) => `export ANTHROPIC_BASE_URL=${url}\nexport ANTHROPIC_AUTH_TOKEN=${key}\nclaude`,
  },
  {
    name: "Codex",
    text: (url, key, model) =>
      `# ~/.codex/config.toml\nmodel = "${model}"\nmodel_provider = "clewline"\n[model_providers.clewline]\nname = "Clewline"\nbase_url = "${url}/v1"\nenv_key = "CLEWLINE_KEY"\nwire_api = "responses"\n\n# shell\nexport CLEWLINE_KEY=${key}`,
  },
  {
    name: "OpenAI · Python",
    text: (url, key, model) =>
      `from openai import OpenAI\n\nclient = OpenAI(base_url="${url}/v1", api_key="${key}")\nreply = client.responses.create(model="${model}", input="Hello")\nprint(reply.output_text)`,
  },
  {
    name: "OpenAI · JavaScript",
    text: (url, key, model) =>
      `import OpenAI from "openai";\n\nconst client = new OpenAI({ baseURL: "${url}/v1", apiKey: "${key}" });\nconst reply = await client.responses.create({ model: "${model}", input: "Hello" });\nconsole.log(reply.output_text);`,
  },
  {
    name: "Anthropic · Python",
    text: (url, key, model) =>
      `from anthropic import Anthropic\n\nclient = Anthropic(base_url="${url}", api_key="${key}")\nreply = client.messages.create(model="${model}", max_tokens=500, messages=[{"role": "user", "content": "Hello"}])\nprint(reply.content[0].text)`,
  },
  {
    name: "Gemini · Python",
    text: (url, key, model) =>
      `from google import genai\n\nclient = genai.Client(api_key="${key}", http_options={"base_url": "${url}"})\nreply = client.models.generate_content(model="${model}", contents="Hello")\nprint(reply.text)`,
  },
];
