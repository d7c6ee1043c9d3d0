import asyncio

from google.adk.agents import Agent
from google.adk.models import Gemini
from google.adk.runners import InMemoryRunner
from google.genai import types

from scene import URL, ask_each, get_weather


@ask_each
def answer(model, way, task, prompt):
    # The key comes from GOOGLE_API_KEY.
    agent = Agent(name="guide", model=Gemini(model=model, base_url=URL), tools=[get_weather] if task == "tools" else [])

    async def run():
        runner = InMemoryRunner(agent=agent, app_name="clewline")
        session = await runner.session_service.create_session(app_name="clewline", user_id="one")
        message = types.Content(role="user", parts=[types.Part(text=prompt)])
        events = [
            event
            async for event in runner.run_async(user_id="one", session_id=session.id, new_message=message)
        ]
        parts = [part for event in events for part in (event.content and event.content.parts) or []]
        return "".join(part.text or "" for part in parts)

    return asyncio.run(run())
