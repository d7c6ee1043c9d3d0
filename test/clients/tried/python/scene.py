"""The runner's cases: `CASES` in the environment. Each is asked for the whole text of an answer."""

import json
import os
import traceback

URL = os.environ["GATEWAY_URL"]
KEY = os.environ["GATEWAY_KEY"]


def get_weather(city: str) -> str:
    """Tell the weather of a city.

    Args:
        city: The name of the city.
    """
    return "sunny"


def ask_each(answer) -> None:
    """Calls `answer(model, way, task, prompt)` for each case, and prints a line of JSON with the text or the trouble."""
    for case in json.loads(os.environ["CASES"]):
        try:
            told = {"text": str(answer(**case))}
        except Exception:
            told = {"trouble": traceback.format_exc()[-1500:]}
        print("\n" + json.dumps({"model": case["model"], "way": case["way"], "task": case["task"], **told}), flush=True)
