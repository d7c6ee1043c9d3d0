import { useState } from "react";
import { Choice } from "../../components/choice.tsx";
import { Dialog } from "../../components/dialog.tsx";
import { useText } from "../../lib/text.ts";
import { AddLines } from "./add-lines.tsx";
import { AddSimulator } from "./add-simulator.tsx";
import { AddUpstream } from "./add-upstream.tsx";

type Way = "keys" | "upstream" | "simulator";

/** The ways to more credentials: keys of known providers, a provider of one's own, and one that needs no account. */
export function AddDialog({
  isOpen,
  onClose,
  upstreams,
}: {
  isOpen: boolean;
  onClose: () => void;
  upstreams: readonly string[];
}) {
  const text = useText();
  const [way, setWay] = useState<Way>("keys");
  return (
    <Dialog isOpen={isOpen} onClose={onClose} title={text("Add credentials")} width="max-w-xl">
      <div className="flex flex-col gap-4">
        <Choice
          label={text("Add credentials")}
          value={way}
          options={[
            { value: "keys", label: text("Keys") },
            { value: "upstream", label: text("Another provider") },
            { value: "simulator", label: text("Simulator") },
          ]}
          onChoose={setWay}
        />
        {way === "keys" && <AddLines upstreams={upstreams} onClose={onClose} />}
        {way === "upstream" && <AddUpstream onClose={onClose} />}
        {way === "simulator" && <AddSimulator onClose={onClose} />}
      </div>
    </Dialog>
  );
}
