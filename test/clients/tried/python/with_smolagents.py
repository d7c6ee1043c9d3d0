from smolagents import OpenAIServerModel, ToolCallingAgent, tool

from scene import KEY, URL, ask_each, get_weather


@ask_each
def answer(model, way, task, prompt):
    chat = OpenAIServerModel(model_id=model, api_base=f"{URL}/v1", api_key=KEY)
    return ToolCallingAgent(tools=[tool(get_weather)], model=chat, max_steps=4, verbosity_level=0).run(prompt)
