from crewai import LLM, Agent, Crew, Task
from crewai.tools import tool

from scene import KEY, URL, ask_each, get_weather


@ask_each
def answer(model, way, task, prompt):
    llm = LLM(model=model, provider="openai", base_url=f"{URL}/v1", api_key=KEY)
    tools = [tool("get_weather")(get_weather)] if task == "tools" else []
    guide = Agent(role="guide", goal="answer", backstory="knows Crete", llm=llm, tools=tools)
    return Crew(agents=[guide], tasks=[Task(description=prompt, expected_output="an answer", agent=guide)]).kickoff().raw
