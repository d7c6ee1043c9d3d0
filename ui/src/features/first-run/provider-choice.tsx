import { useState } from "react";
import { AddLines } from "../../components/add-credentials/add-lines.tsx";
import { AddSimulator } from "../../components/add-credentials/add-simulator.tsx";
import { AddUpstream } from "../../components/add-credentials/add-upstream.tsx";
import { LineResults } from "../../components/add-credentials/line-results.tsx";
import { useCredentialTests } from "../../components/add-credentials/use-credential-tests.ts";
import { Button } from "../../components/button.tsx";
import { Choice } from "../../components/choice.tsx";
import { useText } from "../../lib/text.ts";

type Way = "keys" | "upstream" | "simulator";

/** Keys of a provider, a server of one's own, or the simulator. */
export function ProviderChoice({
  ready,
  upstreams,
  onAnswer,
  onFail,
}: {
  /** Credentials that can be used. */
  ready: number;
  upstreams: readonly string[];
  /** A new one has answered: by this model, as `upstream/model`. */
  onAnswer: (model: string) => void;
  /** The test of a new one has failed. */
  onFail: () => void;
}) {
  const text = useText();
  const [way, setWay] = useState<Way>("keys");
  const [secret, setSecret] = useState("");
  // What is being done stays open when it makes a credential ready.
  const [isOpen, setOpen] = useState(ready === 0);
  const [added, setAdded] = useState<string | null>(null);
  const { tests, testAll } = useCredentialTests(onAnswer, onFail);
  const summary = text("{count, plural, one {# credential is ready} other {# credentials are ready}}", {
    count: ready,
  });
  if (!isOpen)
    return (
      <div className="flex flex-col gap-3">
        {added !== null && (
          <LineResults
            results={[{ line: 1, isAdded: true, problem: null, id: added, message: "" }]}
            tests={tests}
          />
        )}
        <div className="flex flex-wrap items-center gap-3">
          <p className="flex-1 text-muted">{summary}</p>
          <Button onClick={() => setOpen(true)}>{text("Add more")}</Button>
        </div>
      </div>
    );
  return (
    <div className="flex flex-col gap-4">
      <Choice
        label={text("Choose where answers come from")}
        value={way}
        options={[
          { value: "keys", label: text("Keys of a provider") },
          { value: "upstream", label: text("Another provider") },
          { value: "simulator", label: text("Without an account") },
        ]}
        onChoose={setWay}
      />
      {way === "keys" && (
        <AddLines
          upstreams={upstreams}
          onAnswer={onAnswer}
          onFail={onFail}
          onUnknown={(unknown) => {
            setSecret(unknown);
            setWay("upstream");
          }}
        />
      )}
      {way === "upstream" && (
        <AddUpstream
          secret={secret}
          onAdd={(id) => {
            setAdded(id);
            setOpen(false);
            void testAll([id]);
          }}
        />
      )}
      {way === "simulator" && (
        <AddSimulator
          onUse={(model) => {
            setOpen(false);
            onAnswer(model);
          }}
        />
      )}
    </div>
  );
}
