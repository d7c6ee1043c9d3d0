from agno.agent import Agent
from agno.models.anthropic import Claude
from agno.models.openai.like import OpenAILike

from scene import KEY, URL, ask_each, get_weather

MODELS = {
    "chat": lambda name: OpenAILike(id=name, api_key=KEY, base_url=f"{URL}/v1"),
    "messages": lambda name: Claude(id=name, api_key=KEY, client_params={"base_url": URL}),
}


@ask_each
def answer(model, way, task, prompt):
    tools = [get_weather] if task == "tools" else []
    return Agent(model=MODELS[way](model), tools=tools, telemetry=False).run(prompt).content
