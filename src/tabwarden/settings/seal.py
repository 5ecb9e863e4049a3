"""Puts `enc:` tokens where a settings text has secrets in plain."""

from __future__ import annotations

from typing import Any

import yaml

from tabwarden.model.errors import SettingsError
from tabwarden.secrets import Keys, encrypt, reference_kind
from tabwarden.settings.lines import Place, read_yaml
from tabwarden.settings.schema import is_secret


def seal(text: str, keys: Keys, file: str = "") -> tuple[str, int]:
    """The text with each plain secret as an `enc:` token, and how many there were. Raises SettingsError.

    References (`env:`, `file:`, `cmd:`, `enc:`) stay; `plain:` is a secret in plain.
    """
    written = read_yaml(text, file)
    if written.problems:
        raise SettingsError([problem.text for problem in sorted(written.problems)])
    loader = yaml.SafeLoader(text)
    node = loader.get_single_node()
    loader.dispose()
    nodes: dict[int, yaml.ScalarNode] = {}
    _secrets_below(node, (), written.values, nodes)
    for start in sorted(nodes, reverse=True):
        scalar = nodes[start]
        token = f"enc:{encrypt(scalar.value.removeprefix('plain:'), keys)}"
        # the end of a block scalar is the start of the next line
        text = text[:start] + token + ("\n" if scalar.style in ("|", ">") else "") + text[scalar.end_mark.index :]
    return text, len(nodes)


def _secrets_below(node: Any, place: Place, values: Any, nodes: dict[int, yaml.ScalarNode]) -> None:
    """Collect the scalars with a plain secret by where they start; what an alias points at is there once."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            _secrets_below(value, (*place, str(key.value)), values, nodes)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            _secrets_below(item, (*place, index), values, nodes)
    elif isinstance(node, yaml.ScalarNode) and is_secret(place, values):
        plain = reference_kind(node.value) in (None, "plain")
        if plain and node.value and node.tag != "tag:yaml.org,2002:null":
            nodes[node.start_mark.index] = node
