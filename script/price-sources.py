"""Downloads the two sources of prices from PyPI and prints them as one JSON value.

Usage: price-sources.py FOLDER [PACKAGE==VERSION...]. Nothing of a package is executed: the data of `genai-prices`
is Python text, of which only literals are read.
"""

import ast
import json
import pathlib
import subprocess
import sys
import zipfile


def value_of(node):
    """A literal as JSON: a call becomes an object of its keyword arguments, with the name of the class as "is"."""
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.List):
        return [value_of(item) for item in node.elts]
    if isinstance(node, ast.Dict):
        return {value_of(key): value_of(value) for key, value in zip(node.keys, node.values)}
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, ast.Call):
        name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
        if name == "Decimal":
            return value_of(node.args[0])
        members = {keyword.arg: value_of(keyword.value) for keyword in node.keywords}
        return {"is": name, **({"args": [value_of(arg) for arg in node.args]} if node.args else {}), **members}
    raise SystemExit(f"cannot read {ast.dump(node)[:200]}")


def assigned(source, name):
    for statement in ast.parse(source).body:
        if isinstance(statement, ast.AnnAssign) and statement.target.id == name:
            return value_of(statement.value)
    raise SystemExit(f"the package assigns no {name}")


def wheel(folder, prefix):
    (path,) = sorted(folder.glob(f"{prefix}-*.whl"))
    return zipfile.ZipFile(path), path.name.split("-")[1]


def read(archive, ending):
    (name,) = [name for name in archive.namelist() if name.endswith(ending)]
    return archive.read(name).decode()


folder = pathlib.Path(sys.argv[1])
packages = sys.argv[2:] or ["genai-prices", "litellm"]
download = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
subprocess.run([*download, "--dest", str(folder), *packages], check=True, stdout=sys.stderr)
genai, genai_version = wheel(folder, "genai_prices")
litellm, litellm_version = wheel(folder, "litellm")
json.dump(
    {
        "genai": {
            "version": genai_version,
            "license": read(genai, ".dist-info/licenses/LICENSE"),
            "providers": assigned(read(genai, "genai_prices/data.py"), "providers"),
        },
        "litellm": {
            "version": litellm_version,
            "license": read(litellm, ".dist-info/licenses/LICENSE"),
            "models": json.loads(read(litellm, "litellm/model_prices_and_context_window_backup.json")),
        },
    },
    sys.stdout,
)
