/** What a person has chosen in this browser. A browser that keeps nothing gets the defaults. */
export type Preference = "language" | "theme";

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
