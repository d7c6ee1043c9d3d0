"""What the official Anthropic SDK sees through a gateway, step by step, as one JSON object."""

import json
import os

import anthropic

URL, KEY = os.environ["GATEWAY_URL"], os.environ["GATEWAY_KEY"]
MODEL = "claude-haiku-4-5"
ASK = {"model": MODEL, "max_tokens": 500, "messages": [{"role": "user", "content": "Tell me of the labyrinth."}]}
TOOLS = [
    {
        "name": "get_weather",
        "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    }
]

client = anthropic.Anthropic(base_url=URL, api_key=KEY, max_retries=0)
seen = {}


def refusal(call, **options):
    try:
        call(**{**ASK, **options})
    except anthropic.APIStatusError as error:
        return {
            "kind": type(error).__name__,
            "status": error.status_code,
            "message": error.message,
            "retry_after": error.response.headers.get("retry-after"),
        }
    return "no error"


def text_of(message):
    return "".join(block.text for block in message.content if block.type == "text")


whole = client.messages.create(**ASK)
seen["whole"] = {
    "text": text_of(whole),
    "request_id": whole._request_id,
    "input_tokens": whole.usage.input_tokens,
    "output_tokens": whole.usage.output_tokens,
}

with client.messages.stream(**ASK) as stream:
    pieces = list(stream.text_stream)
    final = stream.get_final_message()
seen["stream"] = {"text": "".join(pieces), "pieces": len(pieces), "stop_reason": final.stop_reason}

question = {"role": "user", "content": "Use get_weather for Knossos."}
asked = client.messages.create(**{**ASK, "messages": [question]}, tools=TOOLS)
call = next(block for block in asked.content if block.type == "tool_use")
result = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call.id, "content": "sunny"}]}
turns = [question, {"role": "assistant", "content": asked.content}, result]
answer = client.messages.create(**{**ASK, "messages": turns}, tools=TOOLS)
seen["tool"] = {"name": call.name, "arguments": call.input, "answer": text_of(answer)}

seen["count"] = client.messages.count_tokens(model=MODEL, messages=ASK["messages"]).input_tokens
seen["models"] = [model.id for model in client.models.list()]
seen["wrong_key"] = refusal(client.with_options(api_key="clw-not-a-key").messages.create)
seen["unknown_model"] = refusal(client.messages.create, model="hose-model")
seen["limited"] = refusal(client.messages.create, model=f"{MODEL}~rate-limit,reset=1800")

print(json.dumps(seen))
