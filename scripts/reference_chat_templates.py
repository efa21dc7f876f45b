#!/usr/bin/env python3
"""What Python's Jinja2, set up as transformers does, renders of conversations through the chat templates of the tests.

Writes vectors/chat-templates.json: the conversations, and for each template and conversation the SHA-256 of the text, where nothing of
the conversation is lost in it. Needs jinja2 3.1.6 alone. Usage: reference_chat_templates.py flash-engine/src/test/resources
"""
import datetime
import hashlib
import json
import pathlib
import sys

import jinja2
from jinja2 import nodes
from jinja2.ext import Extension, loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

NOW = datetime.datetime(2025, 7, 10, 12, 0, 0)


class Generation(Extension):
    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return nodes.CallBlock(self.call_method("_support"), [], [], body).set_lineno(line)

    def _support(self, caller):
        return caller()


def tojson(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def raise_exception(message):
    raise jinja2.exceptions.TemplateError(message)


TOOL = {"type": "function", "function": {"name": "get_zeta", "description": "The zeta <of> it", "parameters": {
    "type": "object", "properties": {"city": {"type": "string", "description": "Which city?"}}, "required": ["city"]}}}


def user(text):
    return {"role": "user", "content": text}


def system(text):
    return {"role": "system", "content": text}


def assistant(text, *cities, thought=None):
    message = {"role": "assistant", "content": text}
    if thought:
        message["reasoning_content"] = message["thinking"] = thought
    if cities:
        message["tool_calls"] = [{"id": "abcdefgh" + city[0], "type": "function",
                                  "function": {"name": "get_zeta", "arguments": {"city": city}}} for city in cities]
    return message


def result(city, text):
    return {"role": "tool", "content": text, "tool_call_id": "abcdefgh" + city[0], "name": "get_zeta"}


def call_of_another_provider():
    call = assistant("", "Xanadu")
    call["tool_calls"][0]["id"] = "call_9Xk2LmNopQ"
    return [call, {**result("Xanadu", "R1"), "tool_call_id": "call_9Xk2LmNopQ"}]


CASES = {
    "user": ([user("Well?")], False),
    "system": ([system("Be kind."), user("Well?")], False),
    "turns": ([system("Be kind."), user("Well?"), assistant("It is."), user("And now?")], False),
    "tools": ([user("Well?")], True),
    "system_tools": ([system("Be kind."), user("Well?")], True),
    "call": ([user("Well?"), assistant("", "Xanadu"), result("Xanadu", "R1")], True),
    "calls": ([user("Well?"), assistant("", "Xanadu", "Yonder"), result("Xanadu", "R1"), result("Yonder", "R2")], True),
    "content_call": ([user("Well?"), assistant("Words.", "Xanadu"), result("Xanadu", "R1")], True),
    "call_answered": ([system("Be kind."), user("Well?"), assistant("", "Xanadu"), result("Xanadu", "R1"),
                       assistant("It is R1."), user("And now?")], True),
    "rounds": ([user("Well?"), assistant("", "Xanadu"), result("Xanadu", "R1"), assistant("", "Yonder"),
                result("Yonder", "R2")], True),
    "foreign_id": ([user("Well?"), *call_of_another_provider()], True),
    "two_users": ([user("First."), user("Second.")], False),
    "two_systems": ([system("Be kind."), system("Be brief."), user("Well?")], False),
    "later_system": ([system("Be kind."), user("Well?"), assistant("It is."), system("Be brief."), user("And now?")], False),
    "assistant_first": ([assistant("Hello there."), user("Well?")], False),
    "empty_answer": ([user("Well?"), assistant(""), user("And now?")], False),
    "thinking": ([user("Well?"), assistant("It is.", thought="Thought."), user("And now?")], False),
    "thinking_call": ([user("Well?"), assistant("Words.", "Xanadu", thought="Thought."), result("Xanadu", "R1")], True),
}


def words(messages, tools):
    found = ["get_zeta", "The zeta"] if tools else []
    for message in messages:
        found.append(message["content"])
        found += [call["function"]["arguments"]["city"] for call in message.get("tool_calls", [])]
    return [word for word in found if word]


def templates(resources):
    for file in sorted((resources / "templates").glob("*.jinja")):
        yield file.stem, file.read_text()
    for name, template in json.loads((resources / "vectors/chat-rendered.json").read_text())["templates"].items():
        yield "chat-rendered/" + name, template["template"]
    for case in json.loads((resources / "../../../../flash-jinja/src/test/resources/vectors/jinja-e2e.json").read_text()):
        if "/" in case["name"]:
            yield "jinja-e2e/" + case["name"], case["chat_template"]


def main():
    resources = pathlib.Path(sys.argv[1])
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols])
    environment.filters["tojson"] = tojson
    environment.globals["raise_exception"] = raise_exception
    environment.globals["strftime_now"] = NOW.strftime
    rendered = {}
    for name, source in templates(resources):
        template = environment.from_string(source)
        hashes = rendered[name] = {}
        for case, (messages, tools) in CASES.items():
            try:
                text = template.render(messages=messages, tools=[TOOL] if tools else None, documents=None,
                                       add_generation_prompt=True, bos_token="<s>", eos_token="</s>")
            except Exception:
                continue
            # what |safe returns escapes the texts that it is joined with, which is no text that a model was trained on
            if all(word in text for word in words(messages, tools)) and "&#34;" not in text:
                hashes[case] = hashlib.sha256(text.encode()).hexdigest()
    cases = {name: {"messages": messages, "tools": [TOOL] if tools else []} for name, (messages, tools) in CASES.items()}
    out = {"now": NOW.isoformat(), "cases": cases, "rendered": rendered}
    (resources / "vectors/chat-templates.json").write_text(json.dumps(out, ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    main()
