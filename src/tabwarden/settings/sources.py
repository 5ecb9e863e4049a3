"""Where people come from: any source, and the lists of joiners and leavers."""

from __future__ import annotations

from typing import Annotated

from pydantic import Discriminator, Field

from tabwarden.section import Section
from tabwarden.sources.files import FileSource
from tabwarden.sources.ldap import LdapSource
from tabwarden.sources.python import PythonSource
from tabwarden.sources.sql import SqlSource

AnySource = Annotated[FileSource | SqlSource | PythonSource | LdapSource, Discriminator("type")]


class Sources(Section):
    """Where joiners and leavers come from."""

    joiners: AnySource | None = Field(default=None, description="the people who should be on the site")
    leavers: AnySource | None = Field(default=None, description="the people who should lose it")
