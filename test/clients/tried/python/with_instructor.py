from typing import Literal

import instructor
from anthropic import Anthropic
from google import genai
from openai import OpenAI
from pydantic import BaseModel

from scene import KEY, URL, ask_each


class Plan(BaseModel):
    name: str
    shape: Literal["round", "square"]


CLIENTS = {
    "chat": lambda: instructor.from_openai(OpenAI(base_url=f"{URL}/v1", api_key=KEY)),
    "messages": lambda: instructor.from_anthropic(Anthropic(base_url=URL, api_key=KEY)),
    "gemini": lambda: instructor.from_genai(genai.Client(api_key=KEY, http_options={"base_url": URL})),
}


@ask_each
def answer(model, way, task, prompt):
    more = {"max_tokens": 1000} if way == "messages" else {}
    messages = [{"role": "user", "content": prompt}]
    create = CLIENTS[way]().chat.completions.create
    return create(model=model, response_model=Plan, messages=messages, max_retries=0, **more).model_dump_json()
