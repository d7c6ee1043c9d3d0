import dspy

from scene import KEY, URL, ask_each

SERVERS = {"chat": ("openai", f"{URL}/v1"), "messages": ("anthropic", URL)}


@ask_each
def answer(model, way, task, prompt):
    vendor, base = SERVERS[way]
    lm = dspy.LM(f"{vendor}/{model}", api_base=base, api_key=KEY, cache=False, temperature=None, max_tokens=None)
    return lm(prompt)[0]
