import asyncio

from claude_agent_sdk import ClaudeAgentOptions, ResultMessage, query

from scene import ask_each


@ask_each
def answer(model, way, task, prompt):
    # It offers tools of a server of its own only once the model has searched for them.
    options = ClaudeAgentOptions(model=model, allowed_tools=["Bash"], max_turns=4)

    async def run():
        results = [message async for message in query(prompt=prompt, options=options)]
        return "".join(message.result or "" for message in results if isinstance(message, ResultMessage))

    return asyncio.run(run())
