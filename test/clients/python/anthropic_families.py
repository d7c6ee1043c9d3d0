"""What the official Anthropic SDK sees of every family."""

import anthropic
from scene import CITY, FAULTS, KEY, QUESTION, URL, USE_TOOL, Plan, failure, tell

client = anthropic.Anthropic(base_url=URL, api_key=KEY, max_retries=0)
TOOLS = [{"name": "get_weather", "input_schema": CITY}]
THINKING = {"type": "adaptive", "display": "summarized"}


def text_of(message):
    return "".join(block.text for block in message.content if block.type == "text")


def see(model, limited):
    ask = {"model": model, "max_tokens": 2000, "messages": [{"role": "user", "content": QUESTION}]}
    seen = {}

    whole = client.messages.create(**ask)
    seen["whole"] = {
        "text": text_of(whole),
        "request_id": whole._request_id,
        "output_tokens": whole.usage.output_tokens,
    }

    with client.messages.stream(**ask) as stream:
        pieces = list(stream.text_stream)
        final = stream.get_final_message()
    seen["stream"] = {"text": "".join(pieces), "pieces": len(pieces), "final": text_of(final)}

    question = {"role": "user", "content": USE_TOOL}
    turn = {"model": model, "max_tokens": 4000, "thinking": THINKING, "tools": TOOLS}
    with client.messages.stream(**turn, messages=[question]) as stream:
        asked = stream.get_final_message()
    call = next(block for block in asked.content if block.type == "tool_use")
    result = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call.id, "content": "sunny"}]}
    turns = [question, {"role": "assistant", "content": asked.content}, result]
    answer = client.messages.create(**turn, messages=turns)
    seen["tool"] = {"arguments": call.input, "answer": text_of(answer)}

    for is_stream in (False, True):
        calls = []

        @anthropic.beta_tool
        def get_weather(city: str) -> str:
            """The weather of a city."""
            calls.append(city)
            return "sunny"

        last = client.beta.messages.tool_runner(
            model=model, max_tokens=2000, messages=[question], tools=[get_weather], stream=is_stream
        ).until_done()
        seen["streamed_runner" if is_stream else "runner"] = {"calls": len(calls), "answer": text_of(last)}

    seen["parsed"] = client.messages.parse(**ask, output_format=Plan).parsed_output.model_dump()
    with client.messages.stream(**ask, output_format=Plan) as stream:
        seen["streamed_parsed"] = stream.get_final_message().parsed_output.model_dump()

    seen["count"] = client.messages.count_tokens(model=model, messages=ask["messages"]).input_tokens

    def fails(fault=None, streamed=True, named=None):
        def pieces():
            of_model = {**ask, "model": named or model + FAULTS[fault]}
            if not streamed:
                return [text_of(client.messages.create(**of_model))]
            return stream_of(of_model)

        return failure(pieces, anthropic.APIError)

    def stream_of(of_model):
        with client.messages.stream(**of_model) as stream:
            yield from stream.text_stream

    for fault in ("cut", "overloadInside", "overloadBefore"):
        seen[fault] = fails(fault)
    seen["slow"] = fails("slow", streamed=False)
    seen["slowOverload"] = fails("slowOverload", streamed=False)
    seen["limited"] = fails(streamed=False, named=limited)
    return seen


tell(messages=see)
