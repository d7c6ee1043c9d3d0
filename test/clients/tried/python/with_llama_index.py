import asyncio

from google.genai.types import HttpOptions
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.llms import ChatMessage
from llama_index.llms.google_genai import GoogleGenAI
from llama_index.llms.openai_like import OpenAILike

from scene import KEY, URL, ask_each, get_weather

LIKE = {"api_base": f"{URL}/v1", "api_key": KEY, "is_chat_model": True, "is_function_calling_model": True}


@ask_each
def answer(model, way, task, prompt):
    if way == "chat":
        llm = OpenAILike(model=model, **LIKE)
    else:
        llm = GoogleGenAI(model=model, api_key=KEY, http_options=HttpOptions(base_url=URL))
    if task == "text":
        return "".join(piece.delta or "" for piece in llm.stream_chat([ChatMessage(role="user", content=prompt)]))

    async def run():
        return await FunctionAgent(llm=llm, tools=[get_weather]).run(prompt)

    return asyncio.run(run())
