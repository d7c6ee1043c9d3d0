import asyncio

from claude_agent_sdk import ClaudeAgentOptions, ResultMessage, create_sdk_mcp_server, query, tool

from scene import ask_each, get_weather


@tool("get_weather", "The weather of a city", {"city": str})
async def weather(args):
    return {"content": [{"type": "text", "text": get_weather(args["city"])}]}


@ask_each
def answer(model, way, task, prompt):
    server = create_sdk_mcp_server("crete", tools=[weather])
    options = ClaudeAgentOptions(
        model=model, mcp_servers={"crete": server}, allowed_tools=["mcp__crete__get_weather"], max_turns=4
    )

    async def run():
        results = [message async for message in query(prompt=prompt, options=options)]
        return "".join(message.result or "" for message in results if isinstance(message, ResultMessage))

    return asyncio.run(run())
