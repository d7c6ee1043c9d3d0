import { Plus } from "lucide-react";
import { Route, Switch } from "wouter";
import { Button } from "../../components/button.tsx";
import { Page } from "../../components/page.tsx";
import { nameInPath, usePlace } from "../../lib/place.ts";
import { useText } from "../../lib/text.ts";
import { CreateDialog } from "./create-dialog.tsx";
import { KeyList } from "./key-list.tsx";
import { OneKey } from "./one-key.tsx";

export function KeysPage() {
  return (
    <Switch>
      <Route path="/keys/:name">{() => <OneKey key={nameInPath()} name={nameInPath()} />}</Route>
      <Route>
        <AllKeys />
      </Route>
    </Switch>
  );
}

function AllKeys() {
  const text = useText();
  const [read, write] = usePlace();
  return (
    <Page
      title={text("Keys")}
      tools={
        <Button look="primary" icon={<Plus size={16} aria-hidden />} onClick={() => write({ new: "1" })}>
          {text("Create a key")}
        </Button>
      }
    >
      <KeyList onCreate={() => write({ new: "1" })} />
      <CreateDialog isOpen={read("new") !== ""} onClose={() => write({ new: "" })} />
    </Page>
  );
}
