import { useQuery } from "@tanstack/react-query";
import { Columns2, Trash2 } from "lucide-react";
import { useId, useState } from "react";
import { Button } from "../../components/button.tsx";
import { Page } from "../../components/page.tsx";
import { call } from "../../lib/api.ts";
import { usePlace } from "../../lib/place.ts";
import { useText } from "../../lib/text.ts";
import { ChatColumn } from "./chat-column.tsx";
import { Composer } from "./composer.tsx";
import { dialectOf } from "./dialects.ts";
import { Replay } from "./replay.tsx";
import { useChat } from "./use-chat.ts";

/** A chat, or a captured request that is sent once more. */
export function PlaygroundPage() {
  const text = useText();
  const [read, write] = usePlace();
  const replayed = read("replay");
  if (replayed === "") return <ChatPage />;
  return (
    <Page
      title={text("Playground")}
      tools={
        <Button icon={<Trash2 size={16} aria-hidden />} onClick={() => write({ replay: "" })}>
          {text("New chat")}
        </Button>
      }
    >
      <Replay id={replayed} />
    </Page>
  );
}

/** A chat with one model, or with two side by side. */
function ChatPage() {
  const text = useText();
  const listId = useId();
  const [read, write] = usePlace();
  const [system, setSystem] = useState("");
  const isDouble = read("b") !== "" || read("two") !== "";
  const [modelA, modelB] = [read("a"), read("b")];
  const [dialectA, dialectB] = [dialectOf(read("da")), dialectOf(read("db"))];
  const first = useChat(modelA, dialectA);
  const second = useChat(modelB, dialectB);
  const chats = isDouble ? [first, second] : [first];
  const isRunning = chats.some(({ answer }) => answer?.isRunning === true);
  const { data } = useQuery({
    queryKey: ["models"],
    queryFn: ({ signal }) => call("listModels", { signal }),
  });
  return (
    <Page
      title={text("Playground")}
      tools={
        <>
          <Button
            aria-pressed={isDouble}
            icon={<Columns2 size={16} aria-hidden />}
            onClick={() => write(isDouble ? { b: "", db: "", two: "" } : { two: "1" })}
          >
            {text("Two models")}
          </Button>
          <Button
            icon={<Trash2 size={16} aria-hidden />}
            onClick={() => {
              first.clear();
              second.clear();
            }}
          >
            {text("New chat")}
          </Button>
        </>
      }
    >
      <datalist id={listId}>
        {data?.models.slice(0, 500).map(({ name }) => (
          <option key={name} value={name} />
        ))}
      </datalist>
      <div className={`grid gap-3 ${isDouble ? "lg:grid-cols-2" : ""}`}>
        <ChatColumn
          chat={first}
          listId={listId}
          model={modelA}
          dialect={dialectA}
          system={system}
          onModel={(a) => write({ a }, { replace: true })}
          onDialect={(da) => write({ da })}
        />
        {isDouble && (
          <ChatColumn
            chat={second}
            listId={listId}
            model={modelB}
            dialect={dialectB}
            system={system}
            onModel={(b) => write({ b, two: "1" }, { replace: true })}
            onDialect={(db) => write({ db })}
          />
        )}
      </div>
      <Composer
        isRunning={isRunning}
        isReady={modelA !== "" && (!isDouble || modelB !== "")}
        system={system}
        onSystem={setSystem}
        onSend={(turn) => {
          for (const chat of chats) void chat.send(system, turn);
        }}
        onStop={() => {
          for (const chat of chats) chat.stop();
        }}
      />
    </Page>
  );
}
