/** Sites that are tried: how each is started, set up and used, as its page in docs/clients/ says it to a person. */
import { join } from "node:path";
import type { Locator } from "playwright-core";
import { END_OF_ANSWER } from "../scene.ts";
import type { Site } from "./clients.ts";

/** Waits for the whole answer of a model; resolves to its text. */
async function answerIn(places: Locator, model: string): Promise<string> {
  const [name] = model.split("/").slice(-1);
  const answer = places.filter({ hasText: `${name}, simulated` });
  await answer.filter({ hasText: END_OF_ANSWER }).waitFor();
  return await answer.innerText();
}

export const SILLYTAVERN: Site = {
  name: "SillyTavern",
  from: { npm: ["sillytavern@1.19.0"] },
  page: "sillytavern",
  ways: ["chat"],
  tasks: ["text"],
  serve: (place, port) => [
    join(place, "sillytavern"),
    ...["--port", `${port}`, "--dataRoot", "../data", "--configPath", "../config.yaml"],
    ...["--browserLaunchEnabled", "false"],
  ],
  async open(page, gate) {
    await page.locator(".popup-button-ok").click();
    await page.locator("#sys-settings-button .drawer-toggle").click();
    await page.locator("#main_api").selectOption("openai");
    await page.locator("#chat_completion_source").selectOption("custom");
    await page.locator("#custom_api_url_text").fill(`${gate.url}/v1`);
    await page.locator("#api_key_custom").fill(gate.key);
    await page.locator("#api_button_openai").click();
    await page.locator("#model_custom_select option:not([value=''])").first().waitFor({ state: "attached" });
    // A chat with a character begins with the character's own words.
    await page.locator("#rightNavDrawerIcon").click();
    await page.locator("#rm_print_characters_block .character_select").first().click();
    await page.locator(".mes[is_user=false] .mes_text").first().waitFor();
  },
  async visit(page, { model, prompt }) {
    const models = page.locator("#model_custom_select");
    // A click on the chat closes it.
    if (!(await models.isVisible())) await page.locator("#sys-settings-button .drawer-toggle").click();
    await models.selectOption(model);
    await page.locator("#send_textarea").fill(prompt);
    await page.locator("#send_but").click();
    return await answerIn(page.locator(".last_mes[is_user=false] .mes_text"), model);
  },
};

export const OPEN_WEBUI: Site = {
  name: "Open WebUI",
  // The gigabytes with which it reads documents and speech on its own machine.
  from: {
    pip: ["open-webui==0.12.4"],
    without: [
      ...["accelerate", "einops", "faster-whisper", "opencv-python-headless", "rapidocr"],
      ...["sentence-transformers", "sentencepiece", "transformers"],
    ],
  },
  page: "open-webui",
  ways: ["chat"],
  tasks: ["text", "tools"],
  // A tool of its own that it offers to every model.
  orders: "[[call get_current_timestamp {}]]",
  env: () => ({ DATA_DIR: "../data" }),
  serve: (place, port) => [join(place, "open-webui"), "serve", "--host", "127.0.0.1", "--port", `${port}`],
  async open(page) {
    await page.getByRole("button", { name: "Get started" }).click();
    await page.locator("#name").fill("Ariadne");
    await page.locator("#email").fill("ariadne@example.com");
    await page.locator("#password").fill("a long enough password");
    await page.getByRole("button", { name: "Create Admin Account" }).click();
    await page.getByRole("button", { name: "Okay, Let's Go!" }).click();
  },
  async visit(page, { model, prompt }) {
    await page.goto(new URL("/", page.url()).href);
    await page.locator("#model-selector-model-button").click();
    await page.locator("#model-search-input").fill(model);
    await page.getByRole("option", { name: `Select ${model} model`, exact: true }).click();
    await page.locator("#chat-input").fill(prompt);
    await page.keyboard.press("Enter");
    return await answerIn(page.locator(".chat-assistant"), model);
  },
};
