"""What Google's official Gen AI SDK sees through a gateway, step by step, as one JSON object."""

import json
import os

from google import genai
from google.genai import errors, types

URL, KEY = os.environ["GATEWAY_URL"], os.environ["GATEWAY_KEY"]
MODEL = "gemini-2.5-flash"
QUESTION = "Tell me of the labyrinth."
OPTIONS = types.HttpOptions(base_url=URL)

client = genai.Client(api_key=KEY, http_options=OPTIONS)
seen = {}


def refusal(asking, model):
    try:
        asking.models.generate_content(model=model, contents=QUESTION)
    except errors.APIError as error:
        return {"kind": error.status, "status": error.code, "message": error.message, "details": error.details}
    return "no error"


whole = client.models.generate_content(model=MODEL, contents=QUESTION)
seen["whole"] = {
    "text": whole.text,
    "request_id": whole.sdk_http_response.headers.get("x-request-id"),
    "input_tokens": whole.usage_metadata.prompt_token_count,
    "output_tokens": whole.usage_metadata.candidates_token_count + (whole.usage_metadata.thoughts_token_count or 0),
}

chunks = list(client.models.generate_content_stream(model=MODEL, contents=QUESTION))
seen["stream"] = {
    "text": "".join(chunk.text or "" for chunk in chunks),
    "pieces": len(chunks),
    "finish_reason": str(chunks[-1].candidates[0].finish_reason.value),
}

weather = types.FunctionDeclaration(
    name="get_weather",
    parameters_json_schema={"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
)
config = types.GenerateContentConfig(tools=[types.Tool(function_declarations=[weather])])
question = types.Content(role="user", parts=[types.Part(text="Use get_weather for Knossos.")])
asked = client.models.generate_content(model="gemini-3-flash", contents=[question], config=config)
call = asked.function_calls[0]
response = types.FunctionResponse(id=call.id, name=call.name, response={"output": "sunny"})
result = types.Content(role="user", parts=[types.Part(function_response=response)])
turns = [question, asked.candidates[0].content, result]
answer = client.models.generate_content(model="gemini-3-flash", contents=turns, config=config)
seen["tool"] = {"name": call.name, "arguments": call.args, "answer": answer.text}

seen["count"] = client.models.count_tokens(model=MODEL, contents=QUESTION).total_tokens
seen["models"] = [model.name for model in client.models.list()]
seen["wrong_key"] = refusal(genai.Client(api_key="clw-not-a-key", http_options=OPTIONS), MODEL)
seen["unknown_model"] = refusal(client, "hose-model")
seen["limited"] = refusal(client, f"{MODEL}~rate-limit,reset=1800")

print(json.dumps(seen))
