"""Examples of a request to the API, to be copied: for a shell, for Python and for JavaScript."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from predictor.schema.values import Value

# More would be longer than anybody copies; an error of the API names those that are missing.
MOST_INPUTS = 40

# Where a key is needed, it is in the environment, and not in the code.
KEY = "MLSITE_KEY"
CURL_KEY = f' -H "Authorization: Bearer ${KEY}"'
PYTHON_KEY = f"""\
    headers={{"Authorization": "Bearer " + os.environ["{KEY}"]}},
"""
JAVASCRIPT_KEY = f', "Authorization": `Bearer ${{process.env.{KEY}}}`'
PYTHON = """\
{imports}import requests

answer = requests.post(
    {address},
{key}    json={{"inputs": {inputs}}},
    timeout=10,
)
answer.raise_for_status()
print(answer.json()["predictions"][0]["output"])"""
JAVASCRIPT = """\
const answer = await fetch({address}, {{
  method: "POST",
  headers: {{ "Content-Type": "application/json"{key} }},
  body: JSON.stringify({{ inputs: {inputs} }}),
}});
if (!answer.ok) throw new Error(await answer.text());
console.log((await answer.json()).predictions[0].output);"""


@dataclass(frozen=True, kw_only=True)
class Snippet:
    """Code that asks for a prediction, in one language."""

    language: str
    code: str


def write_snippets(address: str, inputs: Mapping[str, Value], *, with_key: bool = False) -> list[Snippet]:
    """The same request for these inputs to the API at this address, in three languages.

    `with_key` sends the API key that the environment variable MLSITE_KEY holds.
    """
    body = json.dumps({"inputs": inputs}, ensure_ascii=False)
    headers = f"{CURL_KEY if with_key else ''} -H 'Content-Type: application/json'"
    curl = f"curl{headers} \\\n  -d {shlex.quote(body)} \\\n  {shlex.quote(address)}"
    imports, key = ("import os\n\n", PYTHON_KEY) if with_key else ("", "")
    python = PYTHON.format(imports=imports, key=key, address=json.dumps(address), inputs=_write_python(inputs))
    # "</" would end a script that somebody pastes this into, and U+2028 a line of older engines.
    script = _indent(json.dumps(inputs, indent=2, ensure_ascii=False)).replace("</", "<\\/")
    key = JAVASCRIPT_KEY if with_key else ""
    javascript = JAVASCRIPT.format(address=json.dumps(address), key=key, inputs=script)
    return [
        Snippet(language="curl", code=curl),
        Snippet(language="Python", code=python),
        Snippet(language="JavaScript", code=javascript),
    ]


def _write_python(inputs: Mapping[str, Value]) -> str:
    lines = [f"        {json.dumps(name, ensure_ascii=False)}: {value!r}," for name, value in inputs.items()]
    return "\n".join(["{", *lines, "    }"]) if lines else "{}"


def _indent(text: str) -> str:
    return text.replace("\n", "\n  ")
