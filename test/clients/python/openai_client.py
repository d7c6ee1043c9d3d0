"""What the official OpenAI SDK sees through a gateway, step by step, as one JSON object."""

import json
import os

import openai

URL, KEY = os.environ["GATEWAY_URL"], os.environ["GATEWAY_KEY"]
QUESTION = [{"role": "user", "content": "Tell me of the labyrinth."}]
WEATHER = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}

client = openai.OpenAI(base_url=f"{URL}/v1", api_key=KEY, max_retries=0)
seen = {}


def refusal(call, **options):
    try:
        call(**options)
    except openai.APIStatusError as error:
        return {
            "kind": type(error).__name__,
            "status": error.status_code,
            "message": error.message,
            "retry_after": error.response.headers.get("retry-after"),
        }
    return "no error"


whole = client.chat.completions.create(model="gpt-4.1", messages=QUESTION)
seen["whole"] = {
    "text": whole.choices[0].message.content,
    "request_id": whole._request_id,
    "input_tokens": whole.usage.prompt_tokens,
    "output_tokens": whole.usage.completion_tokens,
}

chunks = list(client.chat.completions.create(model="gpt-4.1", messages=QUESTION, stream=True))
seen["stream"] = {
    "text": "".join(chunk.choices[0].delta.content or "" for chunk in chunks),
    "pieces": len(chunks),
    "usages": [chunk.usage for chunk in chunks if chunk.usage is not None],
}

tools = [{"type": "function", "function": {"name": "get_weather", "parameters": WEATHER}}]
messages = [{"role": "user", "content": "Use get_weather for Knossos."}]
call = client.chat.completions.create(model="gpt-4.1", messages=messages, tools=tools).choices[0].message
result = {"role": "tool", "tool_call_id": call.tool_calls[0].id, "content": "sunny"}
answer = client.chat.completions.create(model="gpt-4.1", messages=[*messages, call, result], tools=tools)
seen["tool"] = {
    "name": call.tool_calls[0].function.name,
    "arguments": json.loads(call.tool_calls[0].function.arguments),
    "answer": answer.choices[0].message.content,
}

seen["response"] = {"text": client.responses.create(model="gpt-5.4", input="Tell me of the labyrinth.").output_text}
with client.responses.stream(model="gpt-5.4", input="Tell me of the labyrinth.") as stream:
    pieces = [event.delta for event in stream if event.type == "response.output_text.delta"]
    final = stream.get_final_response()
seen["response_stream"] = {"text": "".join(pieces), "pieces": len(pieces), "status": final.status}

seen["models"] = [model.id for model in client.models.list()]
create = client.chat.completions.create
stranger = client.with_options(api_key="clw-not-a-key")
seen["wrong_key"] = refusal(stranger.chat.completions.create, model="gpt-4.1", messages=QUESTION)
seen["unknown_model"] = refusal(create, model="hose-model", messages=QUESTION)
seen["limited"] = refusal(create, model="gpt-4.1~rate-limit,reset=1800", messages=QUESTION)

print(json.dumps(seen))
