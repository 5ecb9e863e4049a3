"""One page of HTML that a manager reads: three sentences, a heat map of projects, findings by who can mend them.

No script, no picture, no link; light and dark, for a telephone and for paper.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tabwarden.audit.finding import CONTENT, SEVERITIES, SITE, USER, Finding
from tabwarden.audit.lint import Findings
from tabwarden.audit.score import FORMULA, Score
from tabwarden.report.findings.tables import THINGS, Trend, first_words, unjudged_table
from tabwarden.report.text import STYLE, html_table, safe

MOST_PROJECTS, MOST_NAMES = 40, 4
OWN_STYLE = """\
body{max-width:60rem}.lead{font-size:1.15rem;margin:.2rem 0}
.heat th:not(:first-child){text-align:right}
.heat td{text-align:right;font-variant-numeric:tabular-nums}.heat td:first-child{text-align:left}
.heat td.hot{background:color-mix(in srgb,var(--no) calc(var(--heat)*1%),transparent)}
.heat td.warm{background:color-mix(in srgb,var(--some) calc(var(--heat)*1%),transparent)}
ul{list-style:none;padding:0;margin:.4rem 0}li{border-top:1px solid var(--line);padding:.5rem 0}
li b{font-weight:600}.badge{display:inline-block;min-width:4.6rem;font-size:.8rem;font-weight:600}
.error{color:var(--no)}.warning{color:var(--some)}.note{color:var(--dim)}
li p{margin:.1rem 0 0 4.9rem}@media(max-width:40rem){li p{margin-left:0}body{margin:1rem auto}.heat{font-size:.8rem}
.heat td,.heat th{padding:.3rem .25rem}.heat td:last-child,.heat th:last-child{display:none}}
"""


def page(
    findings: Findings, scores: Sequence[Score], trend: Trend, head: Sequence[str], notes: Sequence[str]
) -> Iterator[str]:
    """The lines of the page; `head` tells where it is from, `notes` what is to be known before it is believed."""
    audited = findings.audited
    yield '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">'
    yield "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
    yield '<meta name="viewport" content="width=device-width">'
    yield f"<title>Findings of {safe(audited.site.name)}</title>\n<style>\n{STYLE}{OWN_STYLE}</style>\n</head>\n<body>"
    yield f"<h1>Findings of {safe(audited.site.name)}</h1>"
    yield from (f'<p class="lead">{safe(sentence)}</p>' for sentence in first_words(findings, scores))
    yield from (f'<p class="dim">{safe(note)}.</p>' for note in notes)
    yield from _heat(findings, scores)
    if trend.days:
        yield from html_table(trend.table(), None)
    yield "<h2>Who can mend what</h2>"
    by_mender: dict[str, list[Finding]] = {}
    for finding in findings.findings:  # the worst first, so that whoever has it comes first too
        by_mender.setdefault(finding.lint.mender, []).append(finding)
    for mender, some in by_mender.items():
        yield from _of_mender(findings, mender, some)
    if findings.unjudged:
        yield from html_table(unjudged_table(findings), None)
    yield f'<p class="dim">{safe(FORMULA)}</p>'
    yield "<footer>" + "".join(f"<p>{safe(line)}</p>" for line in head) + "</footer>\n</body>\n</html>"


def _heat(findings: Findings, scores: Sequence[Score]) -> Iterator[str]:
    if not scores:
        return
    yield "<h2>Projects, the worst first</h2>"
    yield '<section><table class="heat"><thead><tr>'
    yield "".join(f"<th>{word}</th>" for word in ("Project", "Points", "Errors", "Warnings", "Notes", "Things"))
    yield "</tr></thead><tbody>"
    most = {severity: max(1, *(score.counts[severity] for score in scores)) for severity in SEVERITIES}
    for score in scores[:MOST_PROJECTS]:
        name = safe(findings.audited.written(CONTENT, score.project))
        cells = [_cell(100 - score.points, 100, score.points, "hot")]
        cells += [
            _cell(
                score.counts[severity], most[severity], score.counts[severity], "hot" if severity == "error" else "warm"
            )
            for severity in SEVERITIES
        ]
        yield f"<tr><td>{name}</td>{''.join(cells)}<td>{score.things:,}</td></tr>"
    yield "</tbody></table></section>"
    if len(scores) > MOST_PROJECTS:
        yield f'<p class="dim">and {len(scores) - MOST_PROJECTS:,} projects that do better</p>'


def _cell(number: int, most: int, shown: int, colour: str) -> str:
    heat = round(60 * number / most)
    return f'<td class="{colour}" style="--heat:{heat}">{shown:,}</td>' if heat else f"<td>{shown:,}</td>"


def _of_mender(findings: Findings, mender: str, listed: Sequence[Finding]) -> Iterator[str]:
    total = sum(len(finding.subjects) for finding in listed)
    yield f"<h2>The {mender}: {total:,}</h2>\n<ul>"
    for finding in listed:
        yield f'<li><span class="badge {finding.severity}">{finding.severity}</span> '
        mends = " A plan mends it." if finding.remark.fix is not None else ""
        yield f"<b>{safe(finding.lint.title)}</b>: {len(finding.subjects):,} {_things(finding)}"
        yield f"<p>{_which(finding)} {safe(finding.remark.words)}: {safe(_where(findings, finding))}.</p>"
        yield f'<p class="dim">{safe(finding.lint.why)}{mends}</p></li>'
    yield "</ul>"


def _things(finding: Finding) -> str:
    words = THINGS[finding.lint.of]
    return (
        {"people": "person", "site": "site"}.get(words, words.removesuffix("s"))
        if len(finding.subjects) == 1
        else words
    )


def _which(finding: Finding) -> str:
    return "Each" if len(finding.subjects) > 1 else "He" if finding.lint.of == USER else "It"


def _where(findings: Findings, finding: Finding) -> str:
    if finding.lint.of == SITE:
        return findings.audited.site.name
    names = [findings.audited.written(finding.lint.of, subject) for subject in finding.subjects[:MOST_NAMES].tolist()]
    more = len(finding.subjects) - len(names)
    return ", ".join(names) + (f" and {more:,} more" if more else "")
