"""What tabcmd does against the sandbox, one row a behaviour: the command line, its end, and what is so afterwards.

Commands are written as a person types them. `given` are commands that come before and succeed; `words` stand in what
the command prints; `holds` is asked of the shell afterwards. Every row starts from a fresh w0.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

ADA, SAM = "ada", "sam"
OK, FAILED, CRASHED = 0, 1, 2
BOOK = "publish book.twbx --name Book --project Sandbox"
SOURCE = "publish source.tdsx --name Stock --project Sandbox"


class Row(NamedTuple):
    """One behaviour. `user` signs in with a password in place of the token; "" means ada's token."""

    name: str
    command: str
    code: int = OK
    words: str = ""
    holds: Callable[..., bool] = lambda _shell: True
    given: tuple[str, ...] = ()
    user: str = ""


# -- what is asked of the sandbox afterwards ------------------------------------------------------------------


def there(*paths: str) -> Callable[..., bool]:
    return lambda shell: all(path in _paths(shell) for path in paths)


def gone(*paths: str) -> Callable[..., bool]:
    return lambda shell: not any(path in _paths(shell) for path in paths)


def _paths(shell) -> set[str]:
    return {shell.site.path(content) for content in shell.site.contents}


def item(path: str, **wanted: object) -> Callable[..., bool]:
    """A content at a path whose fields are these."""

    def holds(shell) -> bool:
        found = shell.site.find_content(path)
        return all(getattr(found, name) == value for name, value in wanted.items())

    return holds


def owned(path: str, by: str) -> Callable[..., bool]:
    return lambda shell: shell.site.find_content(path).owner == shell.site.find_user(by).id


def kept(path: str, **wanted: object) -> Callable[..., bool]:
    """Details of the item at a path."""

    def holds(shell) -> bool:
        found = shell.box.state.details(shell.site.find_content(path).id)
        return all(getattr(found, name) == value for name, value in wanted.items())

    return holds


def connected(path: str, user_name: str, embedded: bool) -> Callable[..., bool]:
    def holds(shell) -> bool:
        (found,) = shell.box.state.details(shell.site.find_content(path).id).connections
        return (found.user_name, found.embedded) == (user_name, embedded)

    return holds


def roles(**wanted: str) -> Callable[..., bool]:
    return lambda shell: all(shell.site.find_user(name).site_role == role for name, role in wanted.items())


def nobody(*names: str) -> Callable[..., bool]:
    return lambda shell: not any(shell.site.users_named(name) for name in names)


def group(name: str, members: str | None = None) -> Callable[..., bool]:
    def holds(shell) -> bool:
        found = next((g for g in shell.site.groups.values() if g.name == name), None)
        if members is None or found is None:
            return members is None and found is not None
        return {shell.site.users[m].name for m in found.members} == set(members.split())

    return holds


def no_group(name: str) -> Callable[..., bool]:
    return lambda shell: all(g.name != name for g in shell.site.groups.values())


def begins(name: str, with_: bytes) -> Callable[..., bool]:
    """A file of the shell's folder begins with these bytes."""
    return lambda shell: (shell.home / name).read_bytes().startswith(with_)


def equal(name: str, other: str) -> Callable[..., bool]:
    return lambda shell: (shell.home / name).read_bytes() == (shell.home / other).read_bytes()


def sites(*urls: str) -> Callable[..., bool]:
    return lambda shell: {site.content_url for site in shell.box.state.sites} == set(urls)


def asked(endpoint: str, times: int) -> Callable[..., bool]:
    """An endpoint was asked so often or more."""
    return lambda shell: shell.box.log.counts().get(endpoint, 0) >= times


def jobs(*kinds: str) -> Callable[..., bool]:
    return lambda shell: [job.kind for job in shell.box.state.jobs.values()] == list(kinds)


def both(*tests: Callable[..., bool]) -> Callable[..., bool]:
    return lambda shell: all(test(shell) for test in tests)


# -- the rows -------------------------------------------------------------------------------------------------

SIGNING_IN = (
    Row("login", "login", words="Succeeded", holds=lambda s: (s.home / "tableau_auth.json").exists()),
    Row("login leaves nothing", "login --no-cookie", holds=lambda s: not (s.home / "tableau_auth.json").exists()),
    Row("login with a password", "login", words="Succeeded", user="vic"),
    Row("login without a licence", "login", FAILED, "401001", user="una"),
    Row("login with a wrong token", "login --token-name tok --token-value wrong", FAILED, "401001"),
    Row("login to an unknown site", "login --site nowhere", FAILED, "401001"),
    Row("login in any letter case", "login --site SANDBOX", words="Succeeded"),
    Row("logout", "logout", holds=lambda s: not (s.home / "tableau_auth.json").exists(), given=("login",)),
    Row("help", "help", words="createproject"),
    Row("version", "--version", words="2.0.21"),
    Row("an unknown command", "createusers people.csv", CRASHED, "invalid choice"),
)
LISTING = (
    Row("list projects", "list projects --name", words="NAME: Vault"),
    Row("list workbooks", "list workbooks --name", words="NAME: W3"),
    Row("list workbooks with views", "list workbooks --name --details", words="V4, V5, V6, V7"),
    Row("list workbooks with addresses", "list workbooks --name --address", words="W1"),
    Row("list data sources", "list datasources --name", words="NAME: D2"),
    Row("list flows where there is none", "list flows"),
    Row("list with owners", "list workbooks --owner", words="OWNER"),
    Row("list for machines", "list projects --name --machine", words=", Vault"),
    Row(
        "list by pages",
        "list projects --query-page-size 2",
        words="5 total",
        holds=asked("GET sites/{site}/projects", 3),
    ),
    Row("list what a viewer may View", "list projects --name", words="NAME: Ops", user="vic"),
    Row("list sites", "listsites", words="Sandbox"),
    Row("list sites with encryption", "listsites --get-extract-encryption-mode", words="EXTRACTENCRYPTION"),
)
PROJECTS = (
    Row("create a project", "createproject --name Tax", holds=there("Tax")),
    Row("create with a description", "createproject --name Tax -d words", holds=item("Tax", description="words")),
    Row("create a nested project", "createproject --name Sub2 --parent-project-path Ops", holds=there("Ops/Sub2")),
    Row("create two levels down", "createproject -n Deep --parent-project-path Ops/Sub", holds=there("Ops/Sub/Deep")),
    Row("create a project twice", "createproject --name Tax", FAILED, "409006", given=("createproject --name Tax",)),
    Row("create unless it exists", "createproject --name Ops --continue-if-exists", words="already exists"),
    Row("create below nothing", "createproject --name X --parent-project-path No/Such", FAILED, "not found", gone("X")),
    Row("create without the right", "createproject --name Tax", FAILED, "403045", gone("Tax"), user="vic"),
    Row("delete a project", "deleteproject Sandbox", holds=gone("Sandbox")),
    Row("delete a nested project", "deleteproject Sub --parent-project-path Ops", holds=gone("Ops/Sub")),
    Row("delete with its content", "deleteproject Vault", holds=gone("Vault", "Vault/W3", "Vault/W3/V8")),
    Row("delete no project", "deleteproject Nothing", FAILED, "not found"),
    Row("delete Default", "deleteproject Default", FAILED, "403003", there("Default")),
    Row("delete a project without the right", "deleteproject Sandbox", FAILED, "403004", there("Sandbox"), user="egon"),
    Row("samples", "publishsamples --name Sandbox", holds=there("Sandbox/Superstore/Overview", "Sandbox/Regional")),
    Row(
        "samples twice",
        "publishsamples --name Sandbox",
        holds=lambda s: sum(c.name == "Superstore" for c in s.site.contents.values()) == 1,
        given=("publishsamples --name Sandbox",),
    ),
    Row(
        "samples into a nested project",
        "publishsamples -n Sub --parent-project-path Ops",
        holds=there("Ops/Sub/Regional"),
    ),
    Row("samples into nothing", "publishsamples --name Nothing", FAILED, "not found"),
)
PUBLISHING = (
    Row("publish a packaged workbook", BOOK, words="Book", holds=there("Sandbox/Book/Board", "Sandbox/Book/Over View")),
    Row("hidden sheets are no views", BOOK, holds=gone("Sandbox/Book/Scratch")),
    Row("publish into Default", "publish plain.twb --name Plain", holds=there("Default/Plain/Detail")),
    Row("publish under the file's name", "publish plain.twb --project Sandbox", holds=there("Sandbox/plain")),
    Row(
        "publish into a nested project",
        "publish plain.twb -r Sub --parent-project-path Ops",
        holds=there("Ops/Sub/plain"),
    ),
    Row("publish with tabs", f"{BOOK} --tabbed", holds=item("Sandbox/Book", tabs=True)),
    Row("publish without tabs", BOOK, holds=item("Sandbox/Book", tabs=False)),
    Row("publish twice", BOOK, FAILED, "403007", given=(BOOK,)),
    Row(
        "publish over it", f"{BOOK} --overwrite", holds=lambda s: len(revisions(s, "Sandbox/Book")) == 2, given=(BOOK,)
    ),
    Row("publishing over makes the owner", f"{BOOK} -o", holds=owned("Sandbox/Book", "sam"), given=(BOOK,), user=SAM),
    Row("publish on a published source", "publish on_source.twb --project Ops", holds=lambda s: uses(s) == ["D1"]),
    Row("skip the connection check", f"{BOOK} --skip-connection-check", holds=there("Sandbox/Book")),
    Row("publish an extract source", SOURCE, holds=kept("Sandbox/Stock", has_extracts=True)),
    Row("publish a live source", "publish live.tds --project Sandbox", holds=kept("Sandbox/live", has_extracts=False)),
    Row("publish an extract", "publish data.hyper --project Sandbox", holds=kept("Sandbox/data", has_extracts=True)),
    Row(
        "publish with an embedded password",
        "publish live.tds -r Sandbox --db-username reader --db-password secret --save-db-password",
        holds=connected("Sandbox/live", "reader", embedded=True),
    ),
    Row(
        "publish with a password not to be kept",
        "publish live.tds -r Sandbox --db-username reader --db-password secret",
        holds=connected("Sandbox/live", "reader", embedded=False),
    ),
    Row("a workbook with credentials is tabcmd's bug", f"{BOOK} --db-username a --db-password b", FAILED, "has no len"),
    Row(
        "append to a source",
        f"{SOURCE} --append",
        holds=lambda s: len(revisions(s, "Sandbox/Stock")) == 2,
        given=(SOURCE,),
    ),
    Row("append to nothing", f"{SOURCE} --append", FAILED, "404", gone("Sandbox/Stock")),
    Row(
        "replace a source",
        f"{SOURCE} --replace",
        holds=lambda s: len(revisions(s, "Sandbox/Stock")) == 2,
        given=(SOURCE,),
    ),
    Row("overwrite a source", f"{SOURCE} --overwrite", holds=there("Sandbox/Stock"), given=(SOURCE,)),
    Row("append and overwrite at once", f"{SOURCE} --append --overwrite", FAILED, "Invalid combination"),
    Row("publish no file", "publish nothing.twbx --project Sandbox", FAILED, "does not exist"),
    Row("publish a letter", "publish letter.txt --project Sandbox", CRASHED, "appropriate file extension"),
    Row("publish an empty file", "publish empty.twbx --project Sandbox", FAILED, "400011", gone("Sandbox/empty")),
    Row("publish into nothing", "publish book.twbx --project Nothing", FAILED, "not found"),
    Row(
        "publish without the right",
        "publish book.twbx --project Ops",
        FAILED,
        "403007",
        gone("Ops/book"),
        user="cleo",
    ),
    Row(
        "publish as a viewer", "publish book.twbx --project Sandbox", FAILED, "403007", gone("Sandbox/book"), user="vic"
    ),
    Row("a source needs a Creator", "publish live.tds -r Sandbox", FAILED, "403007", gone("Sandbox/live"), user="egon"),
    Row(
        "publish a folder",
        "publish folder --project Sandbox",
        holds=there("Sandbox/one", "Sandbox/two", "Sandbox/three"),
    ),
)
GETTING = (
    Row("get a workbook", "get /workbooks/Book.twbx -f got.twbx", holds=equal("got.twbx", "book.twbx"), given=(BOOK,)),
    Row("get a world's workbook", "get /workbooks/W1.twbx", holds=begins("W1.twbx", b"PK")),
    Row("get no workbook", "get /workbooks/Nothing.twbx", FAILED),
    Row("get a data source", "get /datasources/Stock.tdsx", holds=equal("Stock.tdsx", "source.tdsx"), given=(SOURCE,)),
    Row("get no data source", "get /datasources/Nothing.tdsx", FAILED),
    Row("get a view as PDF", "get /views/W1/V1 --filename v.pdf", holds=begins("v.pdf", b"%PDF")),
    Row("get a view as image", "get /views/W1/V1.png", holds=begins("V1.png", b"\x89PNG")),
    Row("get a small image", "get /views/W1/V1?:size=100,200 -f small.png", holds=begins("small.png", b"\x89PNG")),
    Row("get a large image", "get /views/W1/V1?:size=500,700 -f large.png", holds=begins("large.png", b"\x89PNG")),
    Row("get a fresh image", "get /views/W1/V1.png?:refresh=yes -f fresh.png", holds=begins("fresh.png", b"\x89PNG")),
    Row("get a view as CSV", "get /views/W1/V1.csv", holds=begins("V1.csv", b"Workbook,View\r\nW1,V1")),
    Row(
        "get a view with spaces", "get /views/Book/OverView.csv -f v.csv", holds=begins("v.csv", b"Work"), given=(BOOK,)
    ),
    Row("get no view", "get /views/W1/Nothing.png", FAILED),
    Row("get something else", "get /flows/F1.tflx", FAILED),
    Row("get without a type", "get /views/W1/V1", FAILED),
    Row("get a workbook without Download", "get /workbooks/W1.twbx", FAILED, "403019", user="cleo"),
    Row("get what one may not View", "get /workbooks/W3.twbx", FAILED, user="egon"),
    Row("get an image without the right", "get /views/W2/V4.png", FAILED, "403004", user="egon"),
)
EXPORTING = (
    Row("export a view as PDF", "export /W1/V1 --pdf -f v.pdf", holds=begins("v.pdf", b"%PDF")),
    Row("export under the view's name", "export W1/V1 --pdf", holds=begins("V1.pdf", b"%PDF")),
    Row("export a view as image", "export /W1/V1 --png -f v.png", holds=begins("v.png", b"\x89PNG")),
    Row("export with a size", "export /W1/V1 --png --width 10 --height 10 -f v.png", holds=begins("v.png", b"\x89PNG")),
    Row("export high resolution", "export /W1/V1 --png --resolution high -f v.png", holds=begins("v.png", b"\x89PNG")),
    Row("export a view as CSV", "export /W1/V1 --csv -f v.csv", holds=begins("v.csv", b"Workbook,View")),
    Row(
        "export filtered data",
        "export /W1/V1 --csv --filter Tea=Green -f v.csv",
        holds=begins("v.csv", b"Workbook,View,Tea"),
    ),
    Row(
        "export a filtered view",
        'export /W1/V1 --pdf --filter "Product Type=Tea" -f v.pdf',
        holds=begins("v.pdf", b"%PDF"),
    ),
    Row("export a workbook", "export W1/V1 --fullpdf -f w.pdf", holds=begins("w.pdf", b"%PDF")),
    Row(
        "export a filtered workbook, landscape",
        'export W1/V1 --fullpdf --filter "Product Type=Tea" --pagelayout landscape --pagesize a4 -f w.pdf',
        holds=begins("w.pdf", b"%PDF"),
    ),
    Row("export a published view", "export Book/Board --png", holds=begins("Board.png", b"\x89PNG"), given=(BOOK,)),
    Row("export no view", "export W1/Nothing --pdf", FAILED),
    Row("export half an address", "export W1 --pdf", FAILED),
    Row("export data without the right", "export W2/V4 --csv", FAILED, "403032", user="egon"),
    Row("export nothing in particular", "export W1/V1", CRASHED, "required"),
)
DELETING = (
    Row("delete a workbook", "delete W2 --project Ops --workbook", holds=gone("Ops/W2", "Ops/W2/V4")),
    Row("delete a data source", "delete D1 --project Ops --datasource", holds=both(gone("Ops/D1"), there("Ops/W1"))),
    Row(
        "delete what has the name",
        "delete Stock --project Sandbox --datasource",
        holds=gone("Sandbox/Stock"),
        given=(SOURCE,),
    ),
    Row("delete nothing", "delete Nothing --project Ops --workbook", FAILED, "not found"),
    Row("delete from the wrong project", "delete W1 --project Vault --workbook", FAILED, "not found", there("Ops/W1")),
    Row("delete without saying what", "delete W2 --project Ops", holds=gone("Ops/W2")),
    Row(
        "delete without the right", "delete W2 --project Ops --workbook", FAILED, "403004", there("Ops/W2"), user="cleo"
    ),
)
GROUPS = (
    Row("create a group", "creategroup Tax", holds=group("Tax", "")),
    Row("create a group twice", "creategroup Sales", FAILED, "409009"),
    Row("create a group unless it exists", "creategroup Sales --continue-if-exists"),
    Row("create a group as a viewer", "creategroup Tax", FAILED, "403004", no_group("Tax"), user="vic"),
    Row("delete a group", "deletegroup Finance", holds=no_group("Finance")),
    Row("delete no group", "deletegroup Nothing", FAILED, "not found"),
    Row("add users", "addusers Finance --users names.csv", holds=group("Finance", "cleo eve vic")),
    Row("add users who are in", "addusers Sales --users names.csv", holds=group("Sales", "eve vic")),
    Row(
        "add unknown users",
        "addusers Sales --users some_unknown.csv --no-complete",
        holds=group("Sales", "cleo eve vic"),
    ),
    Row("add users to no group", "addusers Nothing --users names.csv", FAILED, "not found"),
    Row("remove users", "removeusers Sales --users vic.csv", holds=group("Sales", "eve")),
    Row("remove users who are not in", "removeusers Finance --users vic.csv", holds=group("Finance", "cleo")),
    Row("remove users from no group", "removeusers Nothing --users vic.csv", FAILED, "not found"),
)
USERS = (
    Row("create users", "createsiteusers people.csv", holds=roles(zoe="Creator", yan="Viewer")),
    Row(
        "create users with one role",
        "createsiteusers people.csv --role Explorer",
        holds=roles(zoe="Explorer", yan="Explorer"),
    ),
    Row(
        "roles of a file",
        "createsiteusers roles.csv",
        holds=roles(
            a1="SiteAdministratorCreator",
            a2="SiteAdministratorExplorer",
            a3="Creator",
            a4="ExplorerCanPublish",
            a5="Explorer",
            a6="Viewer",
            a7="Unlicensed",
            a8="Unlicensed",
        ),
    ),
    Row("create users who are there", "createsiteusers present.csv", holds=roles(vic="Viewer")),
    Row("create users unless they exist", "createsiteusers present.csv --continue-if-exists"),
    Row("a bad row rejects the file", "createsiteusers one_bad.csv", FAILED, "", nobody("zoe")),
    Row("a bad row is left out", "createsiteusers one_bad.csv --no-complete", holds=roles(zoe="Creator")),
    Row("a wrong word rejects the file", "createsiteusers wrong_word.csv", FAILED, "", nobody("zoe")),
    Row("create users from no file", "createsiteusers nothing.csv", CRASHED, "No such file"),
    Row("create users as a creator", "createsiteusers people.csv", OK, "", nobody("zoe", "yan"), user="carl"),
    Row("delete users", "deletesiteusers vic.csv", holds=nobody("vic")),
    Row("delete an owner", "deletesiteusers carl.csv", OK, "409003", roles(carl="Unlicensed")),
    Row("delete unknown users", "deletesiteusers some_unknown.csv --no-complete"),
)
EXTRACTS = (
    Row(
        "refresh a workbook",
        "refreshextracts --workbook W1 --project Ops",
        words="queued",
        holds=jobs("RefreshExtract"),
    ),
    Row("refresh by address", "refreshextracts --url W1 --project Ops", words="queued", holds=jobs("RefreshExtract")),
    Row(
        "refresh and wait",
        "refreshextracts -w W1 --project Ops --synchronous",
        words="Job completed",
        holds=jobs("RefreshExtract"),
    ),
    Row("refresh by increments", "refreshextracts -d D1 --project Ops --incremental", words="queued"),
    Row("refresh a data source", "refreshextracts -d D1 --project Ops", words="queued", holds=jobs("RefreshExtract")),
    Row("refresh nothing", "refreshextracts -d Nothing --project Ops", FAILED, "not found", jobs()),
    Row("refresh without the right", "refreshextracts -w W2 --project Ops", FAILED, "403032", jobs(), user="cleo"),
    Row(
        "create an extract",
        "createextracts -d live --project Sandbox",
        words="queued",
        holds=kept("Sandbox/live", has_extracts=True),
        given=("publish live.tds -r Sandbox",),
    ),
    Row(
        "create an encrypted extract",
        "createextracts -d D1 --project Ops --encrypt",
        holds=kept("Ops/D1", encrypted=True),
    ),
    Row(
        "create a workbook's extracts",
        "createextracts -w W1 --project Ops --include-all",
        holds=kept("Ops/W1", has_extracts=True),
    ),
    Row("create extracts of nothing in particular", "createextracts -w W1 --project Ops", FAILED),
    Row(
        "delete a workbook's extracts",
        "deleteextracts -w Book --project Sandbox --include-all",
        words="queued",
        holds=kept("Sandbox/Book", has_extracts=False),
        given=(BOOK,),
    ),
    Row(
        "deleting a source's extract is tabcmd's bug",
        "deleteextracts -d Stock --project Sandbox",
        CRASHED,
        "NoneType",
        kept("Sandbox/Stock", has_extracts=False),
        given=(SOURCE,),
    ),
    # tabcmd crashes after the job is queued: it asks for the id of a job that its library does not hand out.
    Row(
        "encrypt a site's extracts",
        "encryptextracts Sandbox",
        CRASHED,
        "queued",
        both(kept("Sandbox/Stock", encrypted=True), jobs("EncryptExtracts")),
        given=(SOURCE,),
    ),
    Row("decrypt a site's extracts", "decryptextracts Sandbox", CRASHED, "queued", jobs("DecryptExtracts")),
    Row("encrypt anew asks for encryption", "reencryptextracts Sandbox", CRASHED, "queued", jobs("EncryptExtracts")),
    Row("encrypt as a site administrator", "encryptextracts Sandbox", FAILED, "403004", jobs(), user=SAM),
)
SITES = (
    Row("create a site", "createsite North", holds=sites("sandbox", "North")),
    Row("create a site at an address", "createsite North --url north-1", holds=sites("sandbox", "north-1")),
    Row("create a site twice", "createsite Sandbox", FAILED, "409001", sites("sandbox")),
    Row("create a site unless it exists", "createsite Sandbox --continue-if-exists", holds=sites("sandbox")),
    Row(
        "create a site with quotas",
        "createsite North --site-mode --user-quota 5 --storage-quota 9",
        holds=sites("sandbox", "North"),
    ),
    Row("create a site as a site administrator", "createsite North", FAILED, "403004", sites("sandbox"), user=SAM),
    Row("edit a site's address", "editsite Sandbox --url box", holds=sites("box")),
    Row(
        "edit a site's quota",
        "editsite Sandbox --storage-quota 7",
        holds=lambda s: s.box.state.site_words[s.site.id]["storageQuota"] == "7",
    ),
    Row("what --site says counts more than the name", "editsite Elsewhere --url box", OK, "Succeeded", sites("box")),
    Row("suspending is tabcmd's bug", "editsite Sandbox --status SUSPENDED", CRASHED, "SUSPENDED"),
    Row(
        "delete a site",
        "deletesite North --site north",
        holds=sites("sandbox"),
        given=("createsite North --url north",),
    ),
    Row("delete the last site", "deletesite Sandbox", FAILED, "403002", sites("sandbox")),
    Row("delete another site", "deletesite Elsewhere", FAILED, "404000", sites("sandbox")),
)


def revisions(shell, path: str) -> tuple:
    return shell.box.state.details(shell.site.find_content(path).id).revisions


def uses(shell) -> list[str]:
    site = shell.site
    return [site.contents[use.datasource].name for use in site.find_content("Ops/on_source").uses]


ROWS = (
    *SIGNING_IN,
    *LISTING,
    *PROJECTS,
    *PUBLISHING,
    *GETTING,
    *EXPORTING,
    *DELETING,
    *GROUPS,
    *USERS,
    *EXTRACTS,
    *SITES,
)
