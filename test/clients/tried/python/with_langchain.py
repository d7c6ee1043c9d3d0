from langchain.agents import create_agent
from langchain.chat_models import init_chat_model
from langchain_core.tools import tool

from scene import KEY, URL, ask_each, get_weather

OPTIONS = {
    "chat": {"model_provider": "openai", "base_url": f"{URL}/v1"},
    "responses": {"model_provider": "openai", "base_url": f"{URL}/v1", "use_responses_api": True},
    "messages": {"model_provider": "anthropic", "base_url": URL},
    "gemini": {"model_provider": "google_genai", "base_url": URL},
}


@ask_each
def answer(model, way, task, prompt):
    chat = init_chat_model(model, api_key=KEY, **OPTIONS[way])
    if task == "text":
        return "".join(chunk.text for chunk in chat.stream(prompt))
    agent = create_agent(chat, [tool(get_weather)])
    return agent.invoke({"messages": [("user", prompt)]})["messages"][-1].text
