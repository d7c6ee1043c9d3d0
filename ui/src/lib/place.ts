/** The state of a page in its address, so that a link and the way back show the same. */
import { useSearchParams } from "wouter";

/** The last part of the path, such as a key's name. The router's own reading of it fails at a name with a percent sign. */
export function nameInPath(): string {
  const written = location.pathname.split("/").at(-1) ?? "";
  try {
    return decodeURIComponent(written);
  } catch {
    return written;
  }
}

/** One parameter of the address; "" is none, and leaves the address. */
export function usePlace(): readonly [
  read: (name: string) => string,
  write: (values: Readonly<Record<string, string>>, options?: { readonly replace?: boolean }) => void,
] {
  const [params, setParams] = useSearchParams();
  return [
    (name) => params.get(name) ?? "",
    (values, options) =>
      setParams((before) => {
        const after = new URLSearchParams(before);
        for (const [name, value] of Object.entries(values)) {
          if (value === "") after.delete(name);
          else after.set(name, value);
        }
        return after;
      }, options),
  ];
}
