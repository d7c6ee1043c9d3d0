/** What a person has chosen in this browser. A browser that keeps nothing gets the defaults. */
/** `guide`: a person has left the first steps, so they no longer open by themselves. */
export type Preference = "language" | "theme" | "guide";

export function readPreference(name: Preference): string | null {
  try {
    return localStorage.getItem(`clewline.${name}`);
  } catch {
    return null;
  }
}

export function writePreference(name: Preference, value: string): void {
  try {
    localStorage.setItem(`clewline.${name}`, value);
  } catch {
    // The choice holds until the page is left.
  }
}
