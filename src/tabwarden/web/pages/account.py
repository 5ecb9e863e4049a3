"""What is one's own: sessions, tokens of the API, and looking as somebody else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from starlette.responses import RedirectResponse, Response

from tabwarden.model.errors import TabwardenError, UnknownName
from tabwarden.web.house import House
from tabwarden.web.looking import Looking, refusal, with_looking
from tabwarden.web.rights import GIVEN, LOOK_AS
from tabwarden.web.visit import Visit, page

DAY = 86400
NAMED = 80  # characters of what somebody calls a token, and of a reason


@page("/account")
def account(visit: Visit) -> Response:
    """My tokens and sessions."""
    return _account(visit)


def _account(visit: Visit, token: str = "") -> Response:
    """The page; a token that was just made stands on it this once."""
    now, house = datetime.now(UTC), visit.house
    own = not visit.looking
    return visit.show(
        "account.html",
        title="My tokens and sessions",
        token=token,
        sessions=house.sessions.of_person(visit.signed_in, now) if own else [],
        tokens=house.tokens.of_person(visit.signed_in, now) if own else [],
        may=sorted(set(GIVEN) & visit.rights - {LOOK_AS}),
        days=_most_days(house),
    )


def _most_days(house: House) -> int:
    """For how many days a token may be asked; where it is good for less than one, it ends so much earlier."""
    return max(1, house.settings.web.longest_token // DAY)


@page("/account/tokens", methods=("POST",))
def make_token(visit: Visit) -> Response:
    """Make a token for some of the rights one has, and show it once."""
    name = visit.word("name").strip()[:NAMED]
    days, most = visit.word("days"), visit.house.settings.web.longest_token
    if not name:
        raise TabwardenError("a token needs a name, by which you know it when you take it away")
    if not days.isascii() or not days.isdigit() or not 0 < int(days[:6]) <= _most_days(visit.house):
        raise TabwardenError(f"a token is good for 1 to {_most_days(visit.house)} days, and not for `{days}`")
    rights = [right for right in GIVEN if right != LOOK_AS and visit.word(f"right-{right}")]
    beyond = sorted(set(rights) - visit.rights)
    if beyond:
        raise TabwardenError(f"you cannot give a token the right `{beyond[0]}`, which you do not have")
    good_for = timedelta(seconds=min(int(days) * DAY, most))
    with visit.doing("made a token", f"{name}: {', '.join(rights) or 'own access'}, {days} days"):
        token = visit.house.tokens.make(visit.session.person, name, rights, datetime.now(UTC), good_for)
    return _account(visit, token)


@page("/account/tokens/revoke", methods=("POST",))
def revoke(visit: Visit) -> Response:
    """Take one of one's own tokens away."""
    with visit.house.database.writing():
        count = visit.house.tokens.revoke(visit.signed_in, visit.word("token"))
        visit.audit("took a token away", visit.word("token")[:12], "" if count else "there is none")
    if not count:
        raise UnknownName("there is no such token of yours")
    return RedirectResponse("/account", status_code=303)


@page("/account/sessions/end", methods=("POST",))
def end_sessions(visit: Visit) -> Response:
    """End one of one's own sessions, or every one of them."""
    session = "" if visit.word("every") else visit.word("session")
    if not session and not visit.word("every"):
        raise UnknownName("there is no such session of yours")
    with visit.house.database.writing():
        count = visit.house.sessions.end_of_person(visit.signed_in, session)
        visit.audit("ended sessions", session[:12] or "every one", "" if count else "there is none")
    if not count:
        raise UnknownName("there is no such session of yours")
    return RedirectResponse("/account" if session != visit.session.hash and session else "/sign-in", status_code=303)


@page("/look-as", LOOK_AS)
def look_as(visit: Visit) -> Response:
    """Whom to look as, and why."""
    return visit.show("look_as.html", title="Look as somebody else", user=visit.word("user"))


@page("/look-as/begin", LOOK_AS, methods=("POST",))
def begin_looking(visit: Visit) -> Response:
    """See the pages as somebody else sees them, from now on."""
    name, reason = visit.word("user"), visit.word("reason").strip()[:NAMED]
    if not reason:
        raise TabwardenError("say why: the reason stands in the audit trail")
    served, rights, person = visit.site, visit.house.settings.web.rights, visit.session.person
    user = served.user_of(name)
    words = refusal(rights, person, served.site, visit.user, user)
    if words or user is None:
        visit.audit("looks as", name, f"refused: {words}")
        raise TabwardenError(f"you may not look as `{name}`: {words}")
    now = datetime.now(UTC).isoformat()
    looking = Looking(served.site.called(user.id), served.url, reason, now)
    with visit.doing("looks as", name, reason):
        visit.house.sessions.change(visit.session, with_looking(person, looking))
    return RedirectResponse("/", status_code=303)


@page("/look-as/end", methods=("POST",), while_looking=True)
def end_looking(visit: Visit) -> Response:
    """Look as oneself again."""
    with visit.doing("looks as himself again", visit.name):
        visit.house.sessions.change(visit.session, with_looking(visit.session.person, None))
    return RedirectResponse("/", status_code=303)
