"""`tabwarden serve`: the catalog, the checker and the plans as pages."""

from __future__ import annotations

from typing import Annotated

from tabwarden.commands._options import SettingsPath
from tabwarden.commands._parsing import PEOPLE, Option
from tabwarden.places import located


def serve(
    demo: Annotated[bool, Option("--demo", about="Of an invented company in a sandbox; nothing of it stays.")] = False,
    link_for: Annotated[
        list[str] | None,
        Option("--link-for", value="USER", about="Print a link that signs this user in once; repeatable.", of=PEOPLE),
    ] = None,
    port: Annotated[
        int | None, Option("--port", about="Another port than the settings say; 0: any that is free.", least=0)
    ] = None,
    settings: SettingsPath = None,
) -> None:
    """Prints its address and a link that signs you in, once and with every right; Ctrl-C ends it.

    Where people sign in at an OpenID provider and the address is not of this machine, it prints a link for those
    alone that `--link-for` names.
    """
    import os

    from tabwarden.commands._options import load_settings
    from tabwarden.commands._output import show
    from tabwarden.run import serve as serving
    from tabwarden.section import loopback
    from tabwarden.settings import load
    from tabwarden.store.journal import whoami

    def say(line: str) -> None:
        show(*line.split("\n"), style="command", now=True)

    others = tuple(link_for or ())
    if demo:
        with serving.demo(say) as (own, names):
            serving.serve(load(own, os.environ), own, say, (*names, *others), port)
        return
    values, file = load_settings(settings), located(settings, os.environ).path
    owner = values.web.openid is None or loopback(values.web.url or "")
    serving.serve(values, file, say, (whoami(), *others) if owner else others, port, owner=owner)
