import { WifiOff } from "lucide-react";
import { useEffect, useState, useSyncExternalStore } from "react";
import { liveFeed } from "../lib/live.ts";
import { useText } from "../lib/text.ts";

/** A connection that is back within this time is not worth a word. */
const PATIENCE_MS = 1_500;

/** Says that what is shown may be old. */
export function ConnectionBanner() {
  const text = useText();
  const state = useSyncExternalStore(liveFeed.watch, () => liveFeed.state);
  const [isShown, setShown] = useState(false);
  useEffect(() => {
    if (state !== "lost") return setShown(false);
    const timer = setTimeout(() => setShown(true), PATIENCE_MS);
    return () => clearTimeout(timer);
  }, [state]);
  return (
    <div
      role="status"
      className="pointer-events-none fixed inset-x-2 top-14 z-30 flex justify-center md:top-2 md:left-[216px]"
    >
      {isShown && (
        <p className="flex items-center gap-2 rounded-full border border-warn bg-warn-soft px-4 py-1.5 font-medium text-warn shadow-lg">
          <WifiOff size={15} aria-hidden className="shrink-0" />
          {text("The connection to the gateway is lost. What you see may be old. Connecting again…")}
        </p>
      )}
    </div>
  );
}
