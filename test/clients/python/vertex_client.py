"""What Google's and Anthropic's SDKs see through a gateway as Vertex AI, and a token as google-auth gets it."""

import json
import os

from anthropic import AnthropicVertex
from google import genai
from google.auth.transport.requests import Request
from google.genai import types
from google.oauth2 import service_account
from google.oauth2.credentials import Credentials

URL, KEY = os.environ["GATEWAY_URL"], os.environ["GATEWAY_KEY"]
QUESTION = "Tell me of the labyrinth."
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
seen = {}

account = service_account.Credentials.from_service_account_info(
    json.loads(os.environ["SERVICE_ACCOUNT"]), scopes=[SCOPE]
)
account.refresh(Request())
seen["token"] = account.token

google = genai.Client(
    vertexai=True,
    project="any",
    location="us-east5",
    credentials=Credentials(token=KEY),
    http_options=types.HttpOptions(base_url=URL),
)
for name in ["gemini-2.5-flash", "vertex/gemini-2.5-flash"]:
    # The SDK takes a name with a slash for one of another publisher, unless it is a whole resource.
    model = name if "/" not in name else f"publishers/google/models/{name}"
    whole = google.models.generate_content(model=model, contents=QUESTION)
    chunks = list(google.models.generate_content_stream(model=model, contents=QUESTION))
    seen[name] = {"whole": whole.text, "stream": "".join(chunk.text or "" for chunk in chunks)}
seen["count"] = google.models.count_tokens(model="gemini-2.5-flash", contents=QUESTION).total_tokens

claude = AnthropicVertex(project_id="any", region="us-east5", access_token=KEY, base_url=f"{URL}/v1")
messages = [{"role": "user", "content": QUESTION}]
for name in ["claude-sonnet-5", "vertex/claude-sonnet-5"]:
    whole = claude.messages.create(model=name, max_tokens=1000, messages=messages)
    with claude.messages.stream(model=name, max_tokens=1000, messages=messages) as stream:
        text = "".join(stream.text_stream)
    seen[name] = {"whole": "".join(block.text for block in whole.content if block.type == "text"), "stream": text}
seen["claude_count"] = claude.messages.count_tokens(model="claude-sonnet-5", messages=messages).input_tokens

print(json.dumps(seen))
