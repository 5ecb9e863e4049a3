"""Groups of the directory, made and asked about through Tableau's own client. Not a test."""

from __future__ import annotations

from copy import deepcopy

from sandbox_client import TSC

WEST = "west.na.corp.example"


def directory_group(name="Staff", domain="corp.example", role=None, mode=None):
    item = TSC.GroupItem(name, domain)
    item.minimum_site_role, item.license_mode = role, mode
    return item


def imported(server, *names, **more):
    return server.groups.create_AD_group(directory_group(*names, **more))


def synchronised(server, group, role="Viewer", mode="onSync"):
    group.minimum_site_role, group.license_mode = role, mode
    job = server.groups.update(group, as_job=True)
    return server.jobs.wait_for_job(job)


def notes(job):
    return {note["type"]: int(note["value"]) for note in job.status_notes or ()}


def members(box, name):
    site = box.site("sandbox")
    group = site.find_group(name)
    users = [site.users[m] for m in group.members]
    return {u.name if u.domain == "corp.example" else word(u) for u in users}


def word(user):
    return f"{user.domain}\\{user.name}"


def role(box, name):
    return box.site("sandbox").find_user(name).site_role


def change(box, **users):
    """Change users of corp.example in the directory; None deletes, a group's members are given by its name."""
    plain = deepcopy(dict(box.state.pretended))
    domain = plain["domains"]["corp.example"]
    for name, value in users.items():
        if name in domain["groups"]:
            domain["groups"][name]["members"] = value
        elif value is None:
            del domain["users"][name]
            for group in domain["groups"].values():
                group["members"] = [m for m in group.get("members", ()) if m != name]
        else:
            domain["users"].setdefault(name, {}).update(value)
    box.state.put_directory(plain)
