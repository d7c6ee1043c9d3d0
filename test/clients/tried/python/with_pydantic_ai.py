from pydantic_ai import Agent
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.google import GoogleModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.google import GoogleProvider
from pydantic_ai.providers.openai import OpenAIProvider

from scene import KEY, URL, ask_each, get_weather

OPENAI = OpenAIProvider(base_url=f"{URL}/v1", api_key=KEY)
MODELS = {
    "chat": lambda name: OpenAIChatModel(name, provider=OPENAI),
    "responses": lambda name: OpenAIResponsesModel(name, provider=OPENAI),
    "messages": lambda name: AnthropicModel(name, provider=AnthropicProvider(base_url=URL, api_key=KEY)),
    "gemini": lambda name: GoogleModel(name, provider=GoogleProvider(base_url=URL, api_key=KEY)),
}


@ask_each
def answer(model, way, task, prompt):
    agent = Agent(MODELS[way](model), tools=[get_weather] if task == "tools" else [])
    return agent.run_sync(prompt).output
