"""What Google's official Gen AI SDK sees of every family."""

from google import genai
from google.genai import errors, types
from scene import CITY, FAULTS, KEY, QUESTION, URL, USE_TOOL, Plan, failure, tell

OPTIONS = types.HttpOptions(base_url=URL, retry_options=types.HttpRetryOptions(attempts=1))
client = genai.Client(api_key=KEY, http_options=OPTIONS)


def text_of(response):
    parts = (response.candidates[0].content and response.candidates[0].content.parts) or []
    return "".join(part.text or "" for part in parts if not part.thought)


def see(name, limited):
    # The SDK takes a name with a slash for a path of its own unless it begins with `models/`.
    model = f"models/{name}"
    seen = {}

    whole = client.models.generate_content(model=model, contents=QUESTION)
    usage = whole.usage_metadata
    seen["whole"] = {
        "text": whole.text,
        "request_id": whole.sdk_http_response.headers.get("x-request-id"),
        "output_tokens": usage.candidates_token_count + (usage.thoughts_token_count or 0),
    }

    chunks = list(client.models.generate_content_stream(model=model, contents=QUESTION))
    text = "".join(text_of(chunk) for chunk in chunks)
    seen["stream"] = {"text": text, "pieces": len(chunks), "final": text}

    weather = types.FunctionDeclaration(name="get_weather", parameters_json_schema=CITY)
    config = types.GenerateContentConfig(
        tools=[types.Tool(function_declarations=[weather])],
        thinking_config=types.ThinkingConfig(include_thoughts=True),
    )
    chat = client.chats.create(model=model, config=config)
    call = chat.send_message(USE_TOOL).function_calls[0]
    response = types.FunctionResponse(id=call.id, name=call.name, response={"output": "sunny"})
    answer = chat.send_message(types.Part(function_response=response))
    seen["tool"] = {"arguments": call.args, "answer": answer.text}

    for is_stream in (False, True):
        calls = []

        def get_weather(city: str) -> str:
            """The weather of a city."""
            calls.append(city)
            return "sunny"

        asked = {
            "model": model,
            "contents": USE_TOOL,
            "config": types.GenerateContentConfig(tools=[get_weather]),
        }
        if is_stream:
            last = "".join(text_of(chunk) for chunk in client.models.generate_content_stream(**asked))
        else:
            last = client.models.generate_content(**asked).text
        seen["streamed_runner" if is_stream else "runner"] = {"calls": len(calls), "answer": last}

    config = types.GenerateContentConfig(response_mime_type="application/json", response_schema=Plan)
    parsed = client.models.generate_content(model=model, contents=QUESTION, config=config)
    seen["parsed"] = parsed.parsed.model_dump()

    seen["count"] = client.models.count_tokens(model=model, contents=QUESTION).total_tokens

    def fails(fault=None, streamed=True, named=None):
        def pieces():
            asked = {"model": f"models/{named}" if named else model + FAULTS[fault], "contents": QUESTION}
            if streamed:
                return (text_of(chunk) for chunk in client.models.generate_content_stream(**asked))
            return [client.models.generate_content(**asked).text]

        return failure(pieces, errors.APIError)

    for fault in ("cut", "overloadInside", "overloadBefore"):
        seen[fault] = fails(fault)
    seen["slow"] = fails("slow", streamed=False)
    seen["slowOverload"] = fails("slowOverload", streamed=False)
    seen["limited"] = fails(streamed=False, named=limited)
    return seen


tell(content=see)
