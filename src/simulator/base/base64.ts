// Whether data is base64, without decoding it.

/** Standard base64 with its padding. */
export function isBase64(text: string): boolean {
  return text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text);
}

/** Either alphabet, with or without padding, as Google's parser accepts base64. */
export function isAnyBase64(text: string): boolean {
  return /^(?:[A-Za-z0-9+/]*|[A-Za-z0-9_-]*)={0,2}$/.test(text) && text.replace(/=+$/, "").length % 4 !== 1;
}

/** Whether a `data:` URL has one of these media types and valid base64. Every other URL passes. */
export function isGoodImageUrl(url: string): boolean {
  const [, data] = /^data:image\/(?:png|jpe?g|gif|webp);base64,([\s\S]*)$/.exec(url) ?? [];
  return data === undefined ? !url.startsWith("data:") : data !== "" && isBase64(data);
}
