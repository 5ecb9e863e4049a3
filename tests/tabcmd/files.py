"""The files that tabcmd's tests publish and read: small documents of our own in Tableau's formats, user lists."""

from __future__ import annotations

import io
import zipfile

BOOK = """<workbook><datasources><datasource name='federated.1'><connection class='federated'><named-connections>
<named-connection name='p'>
<connection class='postgres' server='db.example' port='5432' dbname='sales' username='reader'/></named-connection>
</named-connections></connection></datasource></datasources>
<worksheets><worksheet name='Over View'/><worksheet name='Detail'/><worksheet name='Scratch'/></worksheets>
<dashboards><dashboard name='Board'/></dashboards>
<windows><window class='dashboard' name='Board'/><window class='worksheet' name='Over View'/>
<window class='worksheet' name='Detail'/><window class='worksheet' name='Scratch' hidden='true'/></windows>
</workbook>"""
ON_D1 = """<workbook><datasources><datasource name='sqlproxy.1'>
<repository-location id='D1' path='/t/sandbox/datasources'/>
<connection class='sqlproxy' dbname='D1' server='localhost'/></datasource></datasources>
<worksheets><worksheet name='Sheet A'/></worksheets></workbook>"""
SOURCE = """<datasource name='federated.2'><connection class='federated'><named-connections><named-connection name='m'>
<connection class='mysql' server='db.example' port='3306' dbname='stock' username='reader'/></named-connection>
</named-connections></connection></datasource>"""


def packed(**files: str) -> bytes:
    """A zip archive of these files; `__` in a name stands for a dot."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "."), content)
    return out.getvalue()


FILES: dict[str, bytes] = {
    "book.twbx": packed(book__twb=BOOK, extract__hyper="HyPer"),
    "plain.twb": BOOK.encode(),
    "on_source.twb": ON_D1.encode(),
    "source.tdsx": packed(source__tds=SOURCE, extract__hyper="HyPer"),
    "live.tds": SOURCE.encode(),
    "data.hyper": b"HyPer\x02\x00\x00\x01 no real extract",
    "folder/one.twbx": packed(one__twb=BOOK),
    "folder/two.tdsx": packed(two__tds=SOURCE),
    "folder/three.hyper": b"HyPer\x02\x00\x00\x01 another",
    "folder/four.txt": b"not for publishing",
    "empty.twbx": b"",
    "letter.txt": b"not for publishing",
    "people.csv": b"zoe,secret,Zoe Zed,creator,none,yes,zoe@corp.example\nyan,secret,Yan Y,viewer,none,no,\n",
    "one_bad.csv": b"zoe,secret,Zoe Zed,creator,none,yes,zoe@corp.example\nx y,secret,Bad,viewer,none,no,\n",
    "wrong_word.csv": b"zoe,secret,Zoe Zed,emperor,none,yes,\n",
    "roles.csv": b"a1,,A,creator,site,yes,\na2,,A,explorer,site,no,\na3,,A,creator,none,yes,\n"
    b"a4,,A,explorer,none,yes,\n"
    b"a5,,A,explorer,none,no,\na6,,A,viewer,none,no,\na7,,A,unlicensed,none,no,\na8,,A,,,,\n",
    "present.csv": b"vic,secret,Vic,viewer,none,no,\n",
    "names.csv": b"eve\nvic\n",
    "some_unknown.csv": b"cleo\nnobody\n",
    "carl.csv": b"carl\n",
    "vic.csv": b"vic\n",
}
