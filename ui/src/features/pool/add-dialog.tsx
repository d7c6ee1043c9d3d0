import { useState } from "react";
import { Link, useLocation } from "wouter";
import { AddLines } from "../../components/add-credentials/add-lines.tsx";
import { AddSimulator } from "../../components/add-credentials/add-simulator.tsx";
import { AddUpstream } from "../../components/add-credentials/add-upstream.tsx";
import { Button, buttonClass } from "../../components/button.tsx";
import { Choice } from "../../components/choice.tsx";
import { Dialog } from "../../components/dialog.tsx";
import { useText } from "../../lib/text.ts";
import { AddVertex } from "./add-vertex.tsx";

type Way = "keys" | "vertex" | "upstream" | "simulator";

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
  const [, go] = useLocation();
  const [way, setWay] = useState<Way>("keys");
  const [secret, setSecret] = useState("");
  const close = <Button onClick={onClose}>{text("Close")}</Button>;
  return (
    <Dialog isOpen={isOpen} onClose={onClose} title={text("Add credentials")} width="max-w-xl">
      <div className="flex flex-col gap-4">
        <Choice
          label={text("Add credentials")}
          value={way}
          options={[
            { value: "keys", label: text("Keys") },
            { value: "vertex", label: "Vertex AI" },
            { value: "upstream", label: text("Another provider") },
            { value: "simulator", label: text("Simulator") },
          ]}
          onChoose={setWay}
        />
        {way === "keys" && (
          <AddLines
            upstreams={upstreams}
            onUnknown={(unknown) => {
              setSecret(unknown);
              setWay("upstream");
            }}
            extra={(isAdded) => (
              <>
                {close}
                {isAdded && (
                  <Link href="/playground" className={buttonClass("plain")}>
                    {text("Open the playground")}
                  </Link>
                )}
              </>
            )}
          />
        )}
        {way === "vertex" && <AddVertex onClose={onClose} />}
        {way === "upstream" && <AddUpstream secret={secret} onAdd={onClose} extra={close} />}
        {way === "simulator" && (
          <AddSimulator onUse={(model) => go(`/playground?a=${encodeURIComponent(model)}`)} extra={close} />
        )}
      </div>
    </Dialog>
  );
}
