"""What the official OpenAI SDK sees of every family, in both of its dialects."""

import json

import openai
from openai.lib.responses_tool_runner import RegisteredFunction, ResponsesToolRunner
from scene import CITY, FAULTS, KEY, QUESTION, URL, USE_TOOL, City, Plan, failure, tell

client = openai.OpenAI(base_url=f"{URL}/v1", api_key=KEY, max_retries=0)


def see_chat(model, limited):
    ask = {"model": model, "messages": [{"role": "user", "content": QUESTION}]}
    seen = {}

    whole = client.chat.completions.create(**ask)
    seen["whole"] = {
        "text": whole.choices[0].message.content,
        "request_id": whole._request_id,
        "output_tokens": whole.usage.completion_tokens,
    }

    with client.chat.completions.stream(**ask) as stream:
        pieces = [event.delta for event in stream if event.type == "content.delta"]
        final = stream.get_final_completion()
    seen["stream"] = {
        "text": "".join(pieces),
        "pieces": len(pieces),
        "final": final.choices[0].message.content,
    }

    tools = [{"type": "function", "function": {"name": "get_weather", "parameters": CITY}}]
    turn = {"model": model, "tools": tools, "reasoning_effort": "medium"}
    messages = [{"role": "user", "content": USE_TOOL}]
    call = client.chat.completions.create(**turn, messages=messages).choices[0].message
    result = {"role": "tool", "tool_call_id": call.tool_calls[0].id, "content": "sunny"}
    answer = client.chat.completions.create(**turn, messages=[*messages, call, result])
    seen["tool"] = {
        "arguments": json.loads(call.tool_calls[0].function.arguments),
        "answer": answer.choices[0].message.content,
    }

    parsed = client.chat.completions.parse(**ask, response_format=Plan)
    seen["parsed"] = parsed.choices[0].message.parsed.model_dump()
    with client.chat.completions.stream(**ask, response_format=Plan) as stream:
        seen["streamed_parsed"] = stream.get_final_completion().choices[0].message.parsed.model_dump()
    city = openai.pydantic_function_tool(City, name="get_weather")
    called = client.chat.completions.parse(model=model, messages=messages, tools=[city])
    seen["parsed_call"] = called.choices[0].message.tool_calls[0].function.parsed_arguments.model_dump()

    def fails(fault=None, streamed=True, named=None):
        def pieces():
            of_model = {**ask, "model": named or model + FAULTS[fault]}
            if not streamed:
                return [client.chat.completions.create(**of_model).choices[0].message.content]
            chunks = client.chat.completions.create(**of_model, stream=True)
            return (chunk.choices[0].delta.content for chunk in chunks if chunk.choices)

        return failure(pieces, openai.APIError)

    return {**seen, **failures(fails, limited)}


def see_responses(model, limited):
    ask = {"model": model, "input": QUESTION}
    seen = {}

    whole = client.responses.create(**ask)
    seen["whole"] = {
        "text": whole.output_text,
        "request_id": whole._request_id,
        "output_tokens": whole.usage.output_tokens,
    }

    with client.responses.stream(**ask) as stream:
        pieces = [event.delta for event in stream if event.type == "response.output_text.delta"]
        final = stream.get_final_response()
    seen["stream"] = {"text": "".join(pieces), "pieces": len(pieces), "final": final.output_text}

    turn = {
        "model": model,
        "store": False,
        "include": ["reasoning.encrypted_content"],
        "reasoning": {"effort": "medium", "summary": "auto"},
        "tools": [{"type": "function", "name": "get_weather", "parameters": CITY, "strict": True}],
    }
    question = {"role": "user", "content": USE_TOOL}
    asked = client.responses.create(**turn, input=[question])
    call = next(item for item in asked.output if item.type == "function_call")
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "sunny"}
    answer = client.responses.create(**turn, input=[question, *asked.output, result])
    seen["tool"] = {"arguments": json.loads(call.arguments), "answer": answer.output_text}

    for is_stream in (False, True):
        calls = []

        def execute(arguments):
            calls.append(arguments["city"])
            return "sunny"

        tool = {"type": "function", "name": "get_weather", "parameters": CITY, "strict": True}
        runner = ResponsesToolRunner(functions=[RegisteredFunction(tool, execute)])
        last = runner.run(client, {"model": model, "input": USE_TOOL, "store": False}, stream=is_stream)
        seen["streamed_runner" if is_stream else "runner"] = {"calls": len(calls), "answer": last.output_text}

    seen["parsed"] = client.responses.parse(**ask, text_format=Plan).output_parsed.model_dump()
    with client.responses.stream(**ask, text_format=Plan) as stream:
        seen["streamed_parsed"] = stream.get_final_response().output_parsed.model_dump()

    def fails(fault=None, streamed=True, named=None):
        def pieces():
            of_model = {**ask, "model": named or model + FAULTS[fault]}
            if not streamed:
                return [client.responses.create(**of_model).output_text]
            events = client.responses.create(**of_model, stream=True)
            return (event.delta for event in events if event.type == "response.output_text.delta")

        return failure(pieces, openai.APIError)

    def helped(fault):
        with client.responses.stream(**{**ask, "model": model + FAULTS[fault]}) as stream:
            for event in stream:
                if event.type == "response.output_text.delta":
                    yield event.delta
            stream.get_final_response()

    for fault in ("cut", "overloadInside"):
        seen[f"{fault}Helped"] = failure(lambda: helped(fault), openai.APIError)

    return {**seen, **failures(fails, limited)}


def failures(fails, limited):
    return {
        **{fault: fails(fault) for fault in ("cut", "overloadInside", "overloadBefore")},
        "slow": fails("slow", streamed=False),
        "slowOverload": fails("slowOverload", streamed=False),
        "limited": fails(streamed=False, named=limited),
    }


tell(chat=see_chat, responses=see_responses)
