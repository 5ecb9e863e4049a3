"""What the API tells of itself: every path by OpenAPI 3.1, made of what the commands declare."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tabwarden import __version__
from tabwarden.cli import COMMANDS
from tabwarden.commands._parsing import Option, Parameter
from tabwarden.web.paths import JSON, MOST, PROBLEM, QUESTIONS, TAKEN, Question, key_of

_SITE = {
    "name": "site",
    "in": "query",
    "description": "Content URL of a site that is served; default: the usual one.",
    "schema": {"type": "string"},
}
_PAGE = (
    {
        "name": "limit",
        "in": "query",
        "description": "So many rows; 0: all.",
        "schema": {"type": "integer", "minimum": 0, "maximum": MOST},
    },
    {
        "name": "offset",
        "in": "query",
        "description": "From this row on, 0 the first.",
        "schema": {"type": "integer", "minimum": 0, "maximum": 10**9},
    },
)


def openapi() -> dict[str, Any]:
    """The description of all of it, by OpenAPI 3.1."""
    paths = {question.path: {"get": _operation(question)} for question in QUESTIONS}
    me = {
        "summary": "Who asks, and what he may do here.",
        "operationId": "me",
        "responses": _responses({"type": "object"}),
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Tabwarden",
            "version": __version__,
            "description": "Every answer is that of the command line's `--json`.",
        },
        "servers": [{"url": "/api/v1"}],
        "security": [{"token": []}, {"session": []}],
        "paths": {"/me": {"get": me}, **paths},
        "components": {
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": "tabwarden"},
            },
            "schemas": {"Problem": _PROBLEM},
        },
    }


_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "more": {"type": "array", "items": {"type": "string"}},
    },
}


def _operation(question: Question) -> dict[str, Any]:
    command = COMMANDS[question.command]
    parameters = [_described(one, question) for one in question.parameters]
    return {
        "operationId": command.words.replace(" ", "_") + "_one" * ("{number}" in question.path),
        "summary": command.about,
        "description": f"The command `tabwarden {command.words}`; needs the right {who_may(question)}.",
        "parameters": [*parameters, _SITE, *_PAGE],
        "responses": _responses({"type": ["object", "array"]}),
    }


def who_may(question: Question) -> str:
    """The right that a path takes, in words."""
    return f"`{question.right}`{', but for what one may do oneself' if question.of_oneself else ''}"


def _described(parameter: Parameter, question: Question) -> dict[str, Any]:
    name, in_path = key_of(parameter), f"{{{parameter.name}}}" in question.path
    schema: dict[str, Any] = {"type": {str: "string", int: "integer", bool: "boolean"}[parameter.type]}
    form = TAKEN[parameter.name]
    if form:
        schema["pattern"] = form
    if isinstance(parameter.spec, Option) and parameter.type is int:
        bounds = {"minimum": parameter.spec.least, "maximum": parameter.spec.most}
        schema |= {name: bound for name, bound in bounds.items() if bound is not None}
    if parameter.many:
        schema = {"type": "array", "items": schema}
    needed = parameter.required and name != question.about
    place = {"in": "path", "required": True} if in_path else {"in": "query", "required": needed}
    return {"name": name, **place, "description": parameter.about, "schema": schema}


def _responses(schema: Mapping[str, Any]) -> dict[str, Any]:
    refused = {
        "description": "Refused, and why.",
        "content": {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    return {
        "200": {"description": "The answer.", "content": {JSON: {"schema": schema}}},
        "304": {"description": "As it was; see `If-None-Match`."},
        **{str(status): refused for status in (400, 401, 403, 404)},
    }
