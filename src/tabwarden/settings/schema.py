"""What the models know at a place: which keys, and whether text, a list or a mapping."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from tabwarden.section import Connect, secret_name
from tabwarden.settings.lines import Place
from tabwarden.settings.model import Settings

SECTIONS = tuple(Settings.model_fields)


def fields_of(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """The fields of a model by the keys they are written with."""
    return {info.alias or name: info for name, info in model.model_fields.items()}


def models_in(annotation: Any) -> tuple[type[BaseModel], ...]:
    """The models an annotation allows, in order; several for a union."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return (annotation,)
    return tuple(model for part in get_args(annotation) for model in models_in(part))


def members(kinds: Iterable[Any]) -> Iterator[Any]:
    """The annotations themselves, of unions and what has remarks each member."""
    for kind in kinds:
        if get_origin(kind) in (Union, UnionType):
            yield from members(get_args(kind))
        elif get_origin(kind) is Annotated:
            yield from members(get_args(kind)[:1])
        else:
            yield kind


def literals_in(annotation: Any) -> tuple[str, ...]:
    """The words an annotation allows, () when it is not a choice."""
    if get_origin(annotation) is Literal:
        return tuple(str(word) for word in get_args(annotation))
    return tuple(word for part in get_args(annotation) for word in literals_in(part))


def _mentions(annotation: Any, kind: type) -> bool:
    return annotation is kind or get_origin(annotation) is kind or any(_mentions(p, kind) for p in get_args(annotation))


def models_at(place: Place, values: Any) -> tuple[type[BaseModel], ...]:
    """The models that may stand at a place, narrowed by `type` where the values say it; () where there is none."""
    models: tuple[type[BaseModel], ...] = (Settings,)
    for part in place:
        if isinstance(part, int):  # an item of a list: of what the list holds
            values = values[part] if isinstance(values, list) and part < len(values) else None
        else:
            values = values.get(part) if isinstance(values, Mapping) else None
            infos = [fields_of(model).get(str(part)) for model in models]
            models = tuple(dict.fromkeys(one for info in infos if info for one in models_in(info.annotation)))
        kind = values.get("type") if isinstance(values, Mapping) else None
        fitting = tuple(m for m in models if "type" in m.model_fields and kind in _type_words(m))
        models = fitting or models
    return models


def _type_words(model: type[BaseModel]) -> tuple[str, ...]:
    return literals_in(model.model_fields["type"].annotation)


def keys_at(place: Place, values: Any) -> tuple[str, ...]:
    """The keys a mapping at this place may have; () where any is fine or none can be."""
    return tuple(dict.fromkeys(key for model in models_at(place, values) for key in fields_of(model)))


def field_at(place: Place, values: Any) -> FieldInfo | None:
    """The field a place stands for, None when there is no such key."""
    for model in models_at(place[:-1], values):
        info = fields_of(model).get(str(place[-1]))
        if info is not None:
            return info
    return None


def shape_at(place: Place, values: Any) -> str:
    """`text`, `list`, `mapping` or `secret`: what the value at a place is to be; unknown places are text."""
    info = field_at(place, values)
    if info is None:
        return "text"
    if _mentions(info.annotation, SecretStr):
        return "secret"
    if _mentions(info.annotation, tuple):
        return "list"
    return "mapping" if models_in(info.annotation) or _mentions(info.annotation, Connect) else "text"


def is_secret(place: Place, values: Any) -> bool:
    """Whether the value at a place is one that must not be told; of what a driver takes, its name says so."""
    if place[:1] == ("sites",) and place[2:3] == ("settings",):
        inner = values["sites"][place[1]]["settings"]
        return is_secret(place[3:], inner)
    if "connect" in place:
        return any(secret_name(str(part)) for part in place[place.index("connect") + 1 :])
    return bool(place) and shape_at(place, values) == "secret"
