import { useState } from "react";
import { useSession } from "../lib/session.ts";
import { useText } from "../lib/text.ts";
import { Button } from "./button.tsx";
import { Choice } from "./choice.tsx";
import { CopyButton } from "./copy-button.tsx";
import { Notice } from "./notice.tsx";
import { ScrollRegion } from "./scroll-region.tsx";
import { SNIPPETS } from "./snippets.ts";

/** Stands for a name of a model. */
const MODEL = "MODEL";
/** Lists of models are foreign text, and snippets are pasted into shells. */
const isPlain = (model: string): boolean => /^[\w.:/@-]+$/.test(model);

/** A key that nobody can read again, and how a client uses it. */
export function ShownOnce({
  value,
  model = MODEL,
  onDone,
}: {
  value: string;
  /** For the snippets. */
  model?: string;
  /** Absent: what is below the key needs no word that the key is stored. */
  onDone?: () => void;
}) {
  const text = useText();
  const baseUrl = useSession()?.baseUrl ?? location.origin;
  const [client, setClient] = useState(SNIPPETS[0]?.name ?? "");
  const snippet =
    SNIPPETS.find(({ name }) => name === client)?.text(baseUrl, value, isPlain(model) ? model : MODEL) ?? "";
  return (
    <div className="flex flex-col gap-4">
      <Notice tone="warn">
        {text("Copy the key now. It is shown this one time, and only its hash is kept.")}
      </Notice>
      <div className="flex flex-wrap items-center gap-2">
        <output
          aria-label={text("The new key")}
          className="min-w-0 flex-1 basis-56 rounded-[7px] border border-edge bg-sunken px-3 py-1.5 font-mono text-[13px] break-all"
        >
          {value}
        </output>
        <CopyButton value={value} label={text("Copy the key")} />
      </div>
      <div className="flex min-w-0 flex-col gap-2">
        <h3 className="font-medium">{text("Use it in a client")}</h3>
        <Choice
          label={text("Client")}
          value={client}
          options={SNIPPETS.map(({ name }) => ({ value: name, label: name }))}
          onChoose={setClient}
        />
        <ScrollRegion label={client} className="rounded-[7px] bg-sunken">
          <pre className="w-max min-w-full p-3 font-mono text-[12.5px]">{snippet}</pre>
        </ScrollRegion>
        <div className="flex justify-between gap-2">
          <CopyButton value={snippet} label={text("Copy the snippet")} />
          {onDone !== undefined && (
            <Button look="primary" onClick={onDone}>
              {text("I have stored it")}
            </Button>
          )}
        </div>
      </div>
    </div>
  );
}
