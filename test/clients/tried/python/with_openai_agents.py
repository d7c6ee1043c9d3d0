from agents import Agent, OpenAIChatCompletionsModel, OpenAIResponsesModel, Runner, function_tool, set_tracing_disabled
from openai import AsyncOpenAI

from scene import KEY, URL, ask_each, get_weather

set_tracing_disabled(True)


@ask_each
def answer(model, way, task, prompt):
    kind = OpenAIChatCompletionsModel if way == "chat" else OpenAIResponsesModel
    chosen = kind(model=model, openai_client=AsyncOpenAI(base_url=f"{URL}/v1", api_key=KEY))
    agent = Agent(name="guide", model=chosen, tools=[function_tool(get_weather)] if task == "tools" else [])
    return Runner.run_sync(agent, prompt).final_output
