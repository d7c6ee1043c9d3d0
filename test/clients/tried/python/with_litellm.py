import json

import litellm

from scene import KEY, URL, ask_each, get_weather

SERVERS = {"chat": ("openai", f"{URL}/v1"), "messages": ("anthropic", URL), "gemini": ("gemini", f"{URL}/v1beta")}
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOL = {"type": "function", "function": {"name": "get_weather", "description": "Weather", "parameters": CITY}}


@ask_each
def answer(model, way, task, prompt):
    vendor, base = SERVERS[way]
    ask = {"model": f"{vendor}/{model}", "api_base": base, "api_key": KEY}
    messages = [{"role": "user", "content": prompt}]
    if task == "text":
        chunks = litellm.completion(**ask, messages=messages, stream=True)
        return "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    message = litellm.completion(**ask, messages=messages, tools=[TOOL]).choices[0].message
    messages.append(message)
    for call in message.tool_calls:
        result = get_weather(**json.loads(call.function.arguments))
        messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
    return litellm.completion(**ask, messages=messages, tools=[TOOL]).choices[0].message.content
