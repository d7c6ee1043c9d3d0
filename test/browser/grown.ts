import type { Page } from "playwright-core";

/** Elements that came from a text; a page has none of them. */
export function grown(page: Page): Promise<readonly string[]> {
  return page.evaluate(() =>
    [...document.querySelectorAll("body *")]
      .filter(
        (one) =>
          one.matches("iframe, object, embed, base, meta, link, style, video, marquee, math, body img") ||
          [...one.attributes].some(
            ({ name, value }) =>
              name.startsWith("on") ||
              (["href", "src", "action", "data"].includes(name) &&
                /^\s*(?:java\s*script|data|\/\/evil)/i.test(value)),
          ),
      )
      .map((one) => one.outerHTML.slice(0, 200)),
  );
}
