"""People of one site added, changed and removed, for a request or a job: effects, accounts and version quirks."""

from __future__ import annotations

from dataclasses import replace

from tabwarden.effects import people
from tabwarden.model.roles import SETTABLE, is_server_admin, rank
from tabwarden.model.site import LOCAL, Site, User
from tabwarden.model.takes import AUTH_SETTINGS, OPEN_ID, SAML, SERVER_DEFAULT, WITH_MFA
from tabwarden.sandbox.directories import identity
from tabwarden.sandbox.directories.identity import Imported
from tabwarden.sandbox.http.errors import Refusal, because
from tabwarden.sandbox.state.personality import Personality
from tabwarden.sandbox.state.server_state import Account, key_of
from tabwarden.sandbox.state.sites import State


class Desk:
    """The people desk of one site; `by` is the id of who asks."""

    def __init__(self, state: State, personality: Personality, site: str, by: str) -> None:
        self._state = state
        self._personality = personality
        self._site = site
        self._by = by

    @property
    def site(self) -> Site:
        return self._state.site(self._site)

    def find(self, words: str) -> User | None:
        """The user of the site that a name in a request or a file means, in the directory or not any more."""
        domain, name = identity.split(self._state, words.strip())
        return self._present(name, domain) or self._present(words.strip(), LOCAL)

    def describe(
        self,
        words: str,
        role: str,
        *,
        full_name: str = "",
        email: str = "",
        auth: str | None = None,
        provider: str | None = None,
    ) -> User:
        """The user to add; 400003 for a name or authentication that cannot be.

        Somebody of the directory gets its name, display name and e-mail; who is not in it is refused.
        """
        needs_at = self._personality.names_need_at
        imported = identity.to_import(self._state, words.strip()) if not needs_at else None
        if imported is not None:
            return self.signing_in(directory_user(imported, role), auth, provider)
        domain, name = identity.split(self._state, words.strip())
        if not name or (needs_at and "@" not in name):
            raise Refusal("400003", "the payload is malformed or incomplete")
        shown = full_name or (f".{name}" if needs_at else name)
        return self.signing_in(User("", name, role, domain, shown, email), auth, provider)

    def signing_in(self, user: User, auth: str | None, provider: str | None = None) -> User:
        """The user with this authentication (API 3.24: or identity provider), 400003 for one the site does not have.

        None leaves it; a setting may be written as the id of a provider, as the column of an import file.
        """
        providers = self._state.providers.get(self._site, ())
        mine = next((one for one in providers if one.id in (provider, auth)), None)
        if mine is not None:
            return replace(user, auth_setting=mine.setting, idp_configuration_id=mine.id)
        if provider is not None:
            raise Refusal("400003", f"idpConfigurationId `{provider}` is not known")
        if auth is None:
            return user
        if auth == SERVER_DEFAULT and self._personality.wants_mfa:
            raise Refusal("400003", f"Tableau Cloud with MFA does not take `{auth}`; {WITH_MFA} is the usual one")
        ours = providers and auth in (SAML, OPEN_ID)
        if auth not in AUTH_SETTINGS or (ours and all(one.setting != auth for one in providers)):
            raise Refusal("400003", f"authSetting `{auth}` is not known")
        return replace(user, auth_setting=auth, idp_configuration_id=None)

    def add(self, wanted: User, *, password: str | None = None) -> User:
        """Add a user and, when he is new to the server, his account; gives him as stored."""
        site = self.site
        present = self._present(wanted.name, wanted.domain)
        if present is not None and wanted.site_role in SETTABLE:
            return self._again(present, wanted)
        user = replace(wanted, id=self._state.new_id(site, "user"))
        outcome = people.add_user(site, user, refuse_without_seat=self._personality.no_seat_on_add == "refuse")
        if user.id not in outcome.site.users:
            raise because(outcome.because)
        stored = self._state.put(outcome.site)
        if self.is_of_directory(user):
            identity.learn(self._state, user.domain)
        elif key_of(user.name, user.domain) not in self._state.accounts:
            self._state.put_account(Account(user.name, password or user.name, user.domain))
        return stored.users[user.id]

    def give_role(self, user: User, role: str) -> User:
        """Set a site role; on a server administrator a real server answers success and changes nothing."""
        if is_server_admin(user.site_role) and role in SETTABLE:
            return user
        outcome = people.set_site_role(self.site, user.id, role, open_points=self._state.open_points)
        if not outcome.done:
            raise because(outcome.because)
        return self._state.put(outcome.site).users[user.id]

    def is_of_directory(self, user: User) -> bool:
        """Whether name, e-mail and password of the user are the directory's business."""
        return identity.of_directory(self._state, user)

    def put(self, changed: User) -> User:
        """Store a user whose profile changed."""
        return self._state.put(self.site.with_users(changed)).users[changed.id]

    def remove(self, user: User, heir: User | None = None) -> None:
        """Remove a user, and his account with his last site; an owner stays Unlicensed and the answer is 409."""
        if user.id == self._by:
            raise Refusal("403004", "nobody removes himself")
        if heir is not None and heir.id == user.id:
            raise Refusal("400003", "content cannot be handed to the user who is removed")
        asker = self.site.users.get(self._by)
        if is_server_admin(user.site_role) and (asker is None or not is_server_admin(asker.site_role)):
            raise Refusal("403004", "a site administrator does not remove a server administrator")
        self._fit_to_inherit(user, heir)
        outcome = people.remove_user(self.site, user.id, heir=heir.id if heir is not None else None)
        self._state.put(outcome.site)
        if not outcome.done:
            raise because(outcome.because)
        if not self._state.sites_of(user):
            self._state.drop_account(user)

    def _fit_to_inherit(self, user: User, heir: User | None) -> None:
        """Refuse an heir who could not own what would become his: a project needs a publisher, all a licence."""
        if heir is None:
            return
        site = self.site
        for owned in people.owned_by(site, user.id):
            outcome = people.assign_owner(site, heir.id, site.contents[owned].kind, self._state.open_points)
            if not outcome.done:
                raise because(outcome.because)

    def _again(self, present: User, wanted: User) -> User:
        """Adding somebody who is there: a conflict, or on Cloud sometimes 201 with the same id."""
        if self._personality.existing_user_add == "same-id":
            if wanted.site_role == present.site_role == "Unlicensed":
                return present
            minimum = people.floor(self.site, present.id, open_points=self._state.open_points)
            if minimum is not None and (rank(wanted.site_role) or 0) < (rank(present.site_role) or 0):
                raise because("glsi_floor")
        raise because("user_exists")

    def _present(self, name: str, domain: str) -> User | None:
        site = self.site
        users = (site.users[u] for u in site.users_named(name))
        return next((u for u in users if key_of(u.name, u.domain) == key_of(name, domain)), None)


def directory_user(imported: Imported, role: str) -> User:
    """The user that importing a person of the directory makes; his id is still to be given."""
    person = imported.person
    return User("", imported.name, role, person.domain, person.display_name or imported.name, person.email)
