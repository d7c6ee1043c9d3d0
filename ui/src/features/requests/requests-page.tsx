import { Route, Switch } from "wouter";
import { Choice } from "../../components/choice.tsx";
import { Page } from "../../components/page.tsx";
import { nameInPath, usePlace } from "../../lib/place.ts";
import { useText } from "../../lib/text.ts";
import { CaptureButton } from "./capture-button.tsx";
import { History } from "./history.tsx";
import { LiveTail } from "./live-tail.tsx";
import { OneRequest } from "./one-request.tsx";

/** Parameters of the address that only a search in the history has. */
const SEARCHED = ["text", "key", "model", "credential", "upstream", "status", "from", "to", "id"];

export function RequestsPage() {
  return (
    <Switch>
      <Route path="/requests/:id">{() => <OneRequest id={nameInPath()} />}</Route>
      <Route>
        <Lists />
      </Route>
    </Switch>
  );
}

function Lists() {
  const text = useText();
  const [read, write] = usePlace();
  const isHistory = read("view") === "history" || SEARCHED.some((name) => read(name) !== "");
  return (
    <Page
      title={text("Requests")}
      tools={
        <>
          <CaptureButton />
          <Choice
            label={text("Live or history")}
            value={isHistory ? "history" : "live"}
            options={[
              { value: "live", label: text("Live") },
              { value: "history", label: text("History") },
            ]}
            onChoose={(view) =>
              write({
                ...(view === "live" ? Object.fromEntries(SEARCHED.map((name) => [name, ""])) : {}),
                view: view === "live" ? "" : view,
              })
            }
          />
        </>
      }
    >
      {isHistory ? <History /> : <LiveTail />}
    </Page>
  );
}
