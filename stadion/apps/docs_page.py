"""An OpenAPI description in, one page a person can read without any network out."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any

__all__ = ["docs_page"]

_STYLE = """
:root { color-scheme: light dark; --line: #8886; --soft: #8882; }
:root { --link: light-dark(#0b57d0, #8ab4f8); }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { margin-bottom: 0 } h2 { margin: 2rem 0 .5rem; text-transform: capitalize }
a { color: var(--link) }
details { border: 1px solid var(--line); border-radius: .4rem; margin: .4rem 0; }
summary { padding: .45rem .7rem; cursor: pointer; display: flex; gap: .8rem; flex-wrap: wrap; }
summary code { font-weight: 600 } .verb { display: inline-block; width: 4rem; font-weight: 700 }
.inside { padding: 0 1rem .8rem } table { border-collapse: collapse; width: 100% }
td { padding: .25rem .6rem; border-top: 1px solid var(--line); vertical-align: top }
pre { background: var(--soft); padding: .6rem; border-radius: .3rem; overflow: auto }
"""


def docs_page(spec: dict[str, Any]) -> str:
    """HTML with every operation of an OpenAPI 3 description, by tag."""
    groups: dict[str, list[tuple[str, str, dict[str, Any]]]] = {}
    for path, verbs in spec["paths"].items():
        for verb, operation in verbs.items():
            groups.setdefault(operation.get("tags", ["other"])[0], []).append(
                (verb.upper(), path, operation)
            )
    title = escape(f"{spec['info']['title']} {spec['info']['version']}")
    body = "".join(
        f"<h2>{escape(tag)}</h2>{''.join(_operation(*entry, spec) for entry in entries)}"
        for tag, entries in groups.items()
    )
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style></head><body><h1>{title}</h1>"
        '<p>The same as data: <a href="/openapi.json">/openapi.json</a>. Errors are '
        f"<code>{{error, code, hint}}</code>.</p>{body}</body></html>"
    )


def _operation(verb: str, path: str, operation: dict[str, Any], spec: dict[str, Any]) -> str:
    fields = [
        (field["name"], field["in"], field.get("required", False), field["schema"])
        for field in operation.get("parameters", [])
    ]
    fields += [(name, "body", needed, kind) for name, needed, kind in _body(operation, spec)]
    rows = "".join(
        f"<tr><td><code>{escape(name)}</code></td><td>{place}</td>"
        f"<td>{'required' if needed else ''}</td><td>{escape(_kind(kind))}</td></tr>"
        for name, place, needed, kind in fields
    )
    example = f"curl -X {verb} http://127.0.0.1:8080{path}"
    return (
        f'<details><summary><span><span class="verb">{verb}</span> <code>{escape(path)}</code>'
        f"</span><span>{escape(operation.get('description', ''))}</span></summary>"
        f'<div class="inside">{f"<table>{rows}</table>" if rows else ""}'
        f"<pre>{escape(example)}</pre></div></details>"
    )


def _body(operation: dict[str, Any], spec: dict[str, Any]) -> Iterator[tuple[str, bool, Any]]:
    """Name, whether it is required, and schema of each field of a JSON body."""
    content = operation.get("requestBody", {}).get("content", {})
    reference = content.get("application/json", {}).get("schema", {}).get("$ref", "")
    schema = spec.get("components", {}).get("schemas", {}).get(reference.rpartition("/")[2], {})
    for name, kind in schema.get("properties", {}).items():
        yield name, name in schema.get("required", []), kind


def _kind(schema: dict[str, Any]) -> str:
    """A schema in words: 'integer or null, from 1, default 5'."""
    kinds = [option.get("type", "value") for option in schema.get("anyOf", [schema])]
    words = [" or ".join(dict.fromkeys(kinds))]
    limits = [schema, *schema.get("anyOf", [])]
    for key, word in (("minimum", "from"), ("maximum", "to"), ("maxLength", "at most")):
        found = [str(limit[key]) for limit in limits if key in limit]
        words += [f"{word} {found[0]}"] if found else []
    if schema.get("default") not in (None, ""):
        words.append(f"default {schema['default']}")
    if schema.get("description"):
        words.append(schema["description"])
    return ", ".join(words)
