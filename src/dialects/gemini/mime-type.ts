/** Media types of URLs. */

const BY_EXTENSION: ReadonlyMap<string, string> = new Map([
  ["jpg", "image/jpeg"],
  ["jpeg", "image/jpeg"],
  ["png", "image/png"],
  ["webp", "image/webp"],
  ["gif", "image/gif"],
  ["heic", "image/heic"],
  ["heif", "image/heif"],
  ["pdf", "application/pdf"],
  ["txt", "text/plain"],
  ["md", "text/markdown"],
  ["csv", "text/csv"],
  ["html", "text/html"],
  ["mp3", "audio/mp3"],
  ["wav", "audio/wav"],
  ["ogg", "audio/ogg"],
  ["flac", "audio/flac"],
  ["aac", "audio/aac"],
  ["m4a", "audio/mp4"],
  ["mp4", "video/mp4"],
  ["mov", "video/quicktime"],
  ["webm", "video/webm"],
  ["mpeg", "video/mpeg"],
]);

/** The media type by the extension of the URL's path; null: the extension is unknown. */
export function mimeTypeOf(url: string): string | null {
  const path = (url.split(/[?#]/, 1)[0] as string).toLowerCase();
  const name = path.slice(path.lastIndexOf("/") + 1);
  return BY_EXTENSION.get(name.slice(name.lastIndexOf(".") + 1)) ?? null;
}

/** Whether Google fetches the URL as a video. */
export function isYouTube(url: string): boolean {
  return /^https?:\/\/(?:(?:www|m)\.)?(?:youtube\.com|youtu\.be)\//i.test(url);
}
