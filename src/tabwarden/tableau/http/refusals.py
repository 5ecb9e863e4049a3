"""What Tableau's refusals mean to a person and what to do about them.

Codes are Tableau's six digits: HTTP status and three more. Not all of them are documented; where the six digits
are unknown the status alone decides.
"""

from __future__ import annotations

from tabwarden.model.errors import TableauError

# Code -> what it means and what to do. Sources: the vendor's client and its tests, logs of real runs.
REMEDIES: dict[str, str] = {
    "400000": "the request or a filter in it is malformed",
    "400003": "the request is malformed or asks for something this site does not take",
    "400006": "a page beyond the end was asked for; the list became shorter meanwhile",
    "400007": "the page size is not valid",
    "400009": "that capability does not exist for this kind of content, or cannot be denied",
    "400013": "that site role does not exist here or may not be set",
    "400016": "the file is larger than one request may be",
    "400019": "the import of a group lacks its source, its domain or its site role",
    "400042": "default rules are a project's; the request names other content",
    "400065": "the list cannot be filtered by that field, or by a value with a comma or `&`",
    "401000": "no token was sent or it has run out; sign in again",
    "401001": "check the name and secret of the sign-in, whether the token has run out, and the site's name",
    "401002": "the session has ended: the token ran out, or something else signed in with the same token",
    "403003": "the Default project cannot be deleted",
    "403004": "the user who signs in may not do this; sign in as a site or server administrator",
    "403005": "the Default project keeps its name",
    "403007": "the user who signs in may not publish there, or the name is taken",
    "403009": "nobody changes his own site role, nor the guest's; sign in as another administrator",
    "403011": "the server is not joined to a directory",
    "403014": "the page is larger than this server allows",
    "403020": "a group of the directory keeps the name it has there",
    "403022": "the user who signs in may not do this; sign in as a site or server administrator",
    "403025": "the user who signs in may not put workbooks into that project",
    "403027": "the user who signs in may not change it or its owner; sign in as its owner or an administrator",
    "403030": "the user who signs in may not put it into that project",
    "403035": "the user who signs in may not read the project's default rules; sign in as an administrator",
    "403036": "the user who signs in may not read the project's default rules; sign in as an administrator",
    "403039": "the rules are locked to the project; change them there",
    "403045": "the user who signs in may not create projects here",
    "403069": "Tableau Cloud does not list sites; name the site in the settings",
    "403096": "the workbook shows its tabs, so that its rules are those of the view; change them there",
    "403133": "the user who signs in may not look at other users; sign in as an administrator",
    "404000": "there is no such site; `site` is the word in its address, empty for the default site",
    "404002": "the user is not on this site any more, or, of one that is added, not in the directory",
    "404004": "the data source is gone",
    "404005": "the project is gone",
    "404006": "the workbook is gone",
    "404009": "the request names another id than its address",
    "404011": "the view is gone",
    "404012": "the group is gone",
    "404013": "there is no such capability, or no such rule any more",
    "404014": "there is no such rule any more",
    "404016": "the directory has no such domain",
    "404017": "the directory has no such group",
    "404018": "the job is unknown to the server, or long finished",
    "404022": "the user is not a member of the group",
    "404027": "the flow is gone",
    "409000": "the user is on the site already",
    "409003": "the user owns content; name who is to own it, or keep the user as Unlicensed",
    "409005": "the guest cannot be changed like other users",
    "409006": "a project of that name is there already",
    "409009": "a group of that name is there already",
    "409011": "the user is a member of the group already",
    "409014": "no seat of that licence is free; free one or buy one, then run again",
    "409015": "a data source of that name is there already",
    "409017": "the user is on the site already",
    "409041": "a flow of that name is there already",
    "409120": "a group set of that name is there already",
    "429000": "the server was asked too much; wait and run again",
}

_BY_STATUS: dict[int, str] = {
    0: "check the address, the network, and whether Tableau runs",
    400: "the request is malformed or not taken by this version of Tableau",
    401: "check the name and secret of the sign-in, whether the token has run out, and the site's name",
    403: "the user who signs in may not do this; sign in as a site or server administrator",
    404: "it is not there any more, or this version of Tableau does not know the call",
    405: "this version of Tableau does not know the call",
    408: "the server took too long; run again later",
    409: "something of the kind is there already, or stands in the way",
    429: "the server was asked too much; wait and run again",
}


def remedy_of(status: int, code: str = "") -> str:
    """What to do about a refusal, by its six digits where they are known, else by its HTTP status."""
    if code in REMEDIES:
        return REMEDIES[code]
    if status >= 500:
        return "the server has trouble of its own; run again later"
    return _BY_STATUS.get(status, "see the server's log")


def refused(doing: str, status: int, code: str = "", text: str = "") -> TableauError:
    """The error for a refusal: `doing` completes "Tableau refused to ...", `text` is the server's own."""
    words = f" (it said: {text})" if text else ""
    number = code or str(status)
    return TableauError(
        f"Tableau refused to {doing} with {number}: {remedy_of(status, code)}{words}", status, code, text
    )


def unreachable(server: str, why: str) -> TableauError:
    """The error for a request that got no answer."""
    return TableauError(f"no answer from `{server}`: {why}; {remedy_of(0)}", 0, "")
