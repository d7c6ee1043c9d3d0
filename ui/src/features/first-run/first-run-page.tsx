import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useLocation } from "wouter";
import { Button } from "../../components/button.tsx";
import { ErrorNotice, Loading } from "../../components/notice.tsx";
import { Page } from "../../components/page.tsx";
import { call } from "../../lib/api.ts";
import { CREDENTIALS_KEY } from "../../lib/follow-live.ts";
import { writePreference } from "../../lib/preference.ts";
import { useText } from "../../lib/text.ts";
import { ClientKey } from "./client-key.tsx";
import { FirstRequest } from "./first-request.tsx";
import { ProviderChoice } from "./provider-choice.tsx";
import { focusStep, Step } from "./step.tsx";

/** From nothing to the first answer: a provider, a key for a client, a request. */
export function FirstRunPage() {
  const text = useText();
  const [, go] = useLocation();
  const [model, setModel] = useState("");
  // What a test has shown goes before what the board says: a key that was never used is ready.
  const [tested, setTested] = useState<"good" | "bad" | null>(null);
  const [isKeyMade, setKeyMade] = useState(false);
  const [isAnswered, setAnswered] = useState(false);
  const { data, error, isPending, refetch } = useQuery({
    queryKey: CREDENTIALS_KEY,
    queryFn: ({ signal }) => call("listCredentials", { signal }),
  });
  const keys = useQuery({
    queryKey: ["keys", "first"],
    queryFn: ({ signal }) => call("listKeys", { query: { limit: "1", state: "active" }, signal }),
  });
  const existing = keys.data?.keys[0] ?? null;
  const ready = data?.credentials.filter(({ state }) => state === "ready").length ?? 0;
  const leave = (): void => {
    writePreference("guide", "left");
    go("/");
  };
  return (
    <Page
      title={text("First steps")}
      tools={<Button onClick={leave}>{isAnswered ? text("Open the overview") : text("Skip")}</Button>}
    >
      <p className="-mt-2 max-w-2xl text-muted">
        {text("Three steps to the first answer. All of them can be done elsewhere and later as well.")}
      </p>
      {error !== null && <ErrorNotice error={error} onRetry={() => void refetch()} />}
      {(isPending || keys.isPending) && <Loading rows={3} height={140} />}
      {data !== undefined && !keys.isPending && (
        <ol className="flex max-w-3xl flex-col gap-3">
          <Step
            number={1}
            title={text("Choose where answers come from")}
            isDone={ready > 0 && tested !== "bad"}
          >
            <ProviderChoice
              ready={ready}
              upstreams={[...new Set(data.credentials.map(({ upstream }) => upstream))]}
              onFail={() => setTested((before) => before ?? "bad")}
              onAnswer={(answered) => {
                setTested("good");
                if (model === "") focusStep(existing === null ? 2 : 3);
                setModel((before) => (before === "" ? answered : before));
              }}
            />
          </Step>
          <Step number={2} title={text("Make a key for your client")} isDone={isKeyMade || existing !== null}>
            <ClientKey
              existing={existing}
              model={model}
              onMade={() => {
                setKeyMade(true);
                focusStep(3);
              }}
            />
          </Step>
          <Step number={3} title={text("Send the first request")} isDone={isAnswered}>
            <FirstRequest
              model={model}
              isReady={ready > 0}
              onModel={setModel}
              onAnswered={() => setAnswered(true)}
            />
          </Step>
        </ol>
      )}
    </Page>
  );
}
