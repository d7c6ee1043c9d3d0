from haystack.components.agents import Agent
from haystack.components.generators.chat import OpenAIChatGenerator
from haystack.dataclasses import ChatMessage
from haystack.tools import create_tool_from_function
from haystack.utils import Secret

from scene import KEY, URL, ask_each, get_weather


@ask_each
def answer(model, way, task, prompt):
    chat = OpenAIChatGenerator(model=model, api_key=Secret.from_token(KEY), api_base_url=f"{URL}/v1")
    message = ChatMessage.from_user(prompt)
    if task == "text":
        return chat.run([message])["replies"][0].text
    agent = Agent(chat_generator=chat, tools=[create_tool_from_function(get_weather)])
    return agent.run(messages=[message])["messages"][-1].text
