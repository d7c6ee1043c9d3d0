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
    <div role="status" className="sticky top-12 z-10 md:top-0">
      {isShown && (
        <p className="flex items-center justify-center gap-2 bg-warn-soft px-3 py-1.5 font-medium text-warn">
          <WifiOff size={15} aria-hidden />
          {text("The connection to the gateway is lost. What you see may be old. Connecting again…")}
        </p>
      )}
    </div>
  );
}
