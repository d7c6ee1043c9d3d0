"""Reads a stream with each SDK, and prints its text or the error that was raised, by SDK, as JSON."""

import json
import os

import anthropic
from google import genai
from openai import OpenAI

URL = os.environ["GATEWAY_URL"]
KEY = os.environ["GATEWAY_KEY"]
MODEL = os.environ["MODEL"]
MESSAGES = [{"role": "user", "content": "go"}]

openai = OpenAI(base_url=f"{URL}/v1", api_key=KEY, max_retries=0)
claude = anthropic.Anthropic(base_url=URL, api_key=KEY, max_retries=0)
google = genai.Client(api_key=KEY, http_options={"base_url": URL})


def chat() -> str:
    stream = openai.chat.completions.create(model=MODEL, messages=MESSAGES, stream=True, logit_bias={"9": 1})
    return "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)


def responses() -> str:
    stream = openai.responses.create(model=MODEL, input="go", stream=True, truncation="auto")
    return "".join(event.delta for event in stream if event.type == "response.output_text.delta")


def messages() -> str:
    with claude.messages.stream(
        model=MODEL, messages=MESSAGES, max_tokens=100, extra_body={"top_k": 5}
    ) as stream:
        return stream.get_final_text()


def gemini() -> str:
    stream = google.models.generate_content_stream(model=MODEL, contents="go", config={"top_k": 5})
    return "".join(chunk.text or "" for chunk in stream)


seen = {}
for read in (chat, responses, messages, gemini):
    try:
        seen[read.__name__] = {"text": read()}
    except Exception as error:  # Whatever an SDK raises is what the test wants to see.
        seen[read.__name__] = {"error": str(error)}
print(json.dumps(seen))
