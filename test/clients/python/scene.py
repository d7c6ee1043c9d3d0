"""What every SDK asks of every family, and how what it saw is told: one JSON object by families and steps."""

import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

from pydantic import BaseModel

URL, KEY = os.environ["GATEWAY_URL"], os.environ["GATEWAY_KEY"]
# By family: its model, and the same model with both of its credentials limited.
FAMILIES = json.loads(os.environ["FAMILIES"])
FAULTS = json.loads(os.environ["FAULTS"])

QUESTION = "Tell me of the labyrinth."
USE_TOOL = "Use get_weather for Knossos."
CITY = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}


class City(BaseModel):
    city: str


class Plan(BaseModel):
    name: str
    shape: Literal["round", "square"]
    rooms: float


def failure(pieces, sdk_error):
    """What was raised, whether it is an error of the SDK's own, and the text that came before it."""
    text = ""
    try:
        for piece in pieces():
            text += piece or ""
    except Exception as error:
        response = getattr(error, "response", None)
        return {
            "raised": type(error).__name__,
            "is_own": isinstance(error, sdk_error),
            "status": getattr(error, "status_code", None) or getattr(error, "code", None),
            "retry_after": getattr(response, "headers", {}).get("retry-after"),
            "told": str(error),
            "text": text,
        }
    return {"raised": None, "text": text}


def tell(**sights):
    """Runs each `see(model, limited)` for all families at once, because some steps wait. Prints the results by name and family."""
    tasks = [(name, family) for name in sights for family in FAMILIES]
    told = {name: {} for name in sights}
    with ThreadPoolExecutor(len(tasks)) as pool:
        runs = [pool.submit(sights[name], *FAMILIES[family]) for name, family in tasks]
        for (name, family), run in zip(tasks, runs):
            told[name][family] = run.result()
    json.dump(told, sys.stdout)
