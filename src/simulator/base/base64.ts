// Whether data is base64, without decoding it.

/** Standard base64 with its padding. */
export function isBase64(text: string): boolean {
  return text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text);
}

/** Either alphabet, with its padding or without, as Google's parser takes it. */
export function isAnyBase64(text: string): boolean {
  return /^(?:[A-Za-z0-9+/]*|[A-Za-z0-9_-]*)={0,2}$/.test(text) && text.replace(/=+$/, "").length % 4 !== 1;
}

/** A `data:` URL of one of these kinds whose data is base64; other URLs are not looked at. */
export function isGoodImageUrl(url: string): boolean {
  const [, data] = /^data:image\/(?:png|jpe?g|gif|webp);base64,([\s\S]*)$/.exec(url) ?? [];
  return data === undefined ? !url.startsWith("data:") : data !== "" && isBase64(data);
}
