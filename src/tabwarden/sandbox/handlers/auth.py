"""Signing in and out, switching sites, what the server is. How credentials are proven is `sessions`' business."""

from __future__ import annotations

from tabwarden.model.roles import is_server_admin
from tabwarden.sandbox.http.call import NO_CONTENT, Call, Reply, ok
from tabwarden.sandbox.http.errors import Refusal, unknown
from tabwarden.sandbox.http.wire import element
from tabwarden.sandbox.state.sessions import Session


def server_info(call: Call) -> Reply:
    """Product and API version; answers at any version path."""
    plays = call.personality
    product = element("productVersion", {"build": plays.build}, text=plays.product_version)
    return ok(element("serverInfo", {}, product, element("restApiVersion", text=plays.api_version)))


def sign_in(call: Call) -> Reply:
    """A token for a password, a personal access token or a JWT."""
    credentials = call.body("credentials")
    for attribute, since in (("personalAccessTokenName", "3.6"), ("jwt", "3.17")):
        if credentials.get(attribute) is not None and not call.personality.speaks(since):
            raise Refusal("400003", f"`{attribute}` is not known before API version {since}")
    try:
        call.acting = call.sessions.sign_in(credentials)
    except Refusal:
        # In the log of the site that was asked for, if there is one; whose name was tried is not told.
        site = call.state.site_at(credentials.inner("site", "contentUrl") or "")
        if site is not None:
            call.state.activity.by("")
            call.state.activity.signed_in(site.id, None)
        raise
    call.state.activity.by(call.session.user, call.session.initiator)
    call.state.activity.signed_in(call.session.site, call.me)
    return _credentials(call, call.session)


def switch_site(call: Call) -> Reply:
    """A token for another site; the old one ends."""
    call.acting = call.sessions.switch(call.session, call.body("site").get("contentUrl") or "")
    return _credentials(call, call.session)


def sign_out(call: Call) -> Reply:
    """The token is worthless afterwards."""
    call.sessions.end(call.session)
    return NO_CONTENT


def current_session(call: Call) -> Reply:
    """Who the token speaks for, and where."""
    site, me = call.site, call.me
    where = element("site", {"id": site.id, "name": site.name, "contentUrl": site.content_url})
    who = element("user", {"id": me.id, "name": me.name, "siteRole": me.site_role})
    return ok(element("session", {}, where, who))


def end_session(call: Call) -> Reply:
    """End a session of the site by its id, the first part of its token; the token is worthless afterwards."""
    if not call.sessions.end_by_id(call.parameters["session"], call.site.id):
        raise unknown("session", call.parameters["session"])
    return NO_CONTENT


def revoke_admin_tokens(call: Call) -> Reply:
    """Forget every personal access token of server administrators."""
    for site in call.state.sites:
        for user in site.users.values():
            if is_server_admin(user.site_role):
                call.state.drop_tokens(user)
    return NO_CONTENT


def _credentials(call: Call, session: Session) -> Reply:
    site = call.state.site(session.site)
    attributes = {"token": session.token, "estimatedTimeToExpiration": call.sessions.ends_in(session)}
    where = element("site", {"id": site.id, "contentUrl": site.content_url})
    return ok(element("credentials", attributes, where, element("user", {"id": session.user})))
