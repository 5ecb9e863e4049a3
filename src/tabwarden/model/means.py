"""What each capability lets a person do on each kind of content, in a sentence: for `why` and the capabilities page.

Sources: "Permission Capabilities and Templates" (current help); the permissions paper's glossary; §1.1.
"""

from __future__ import annotations

from tabwarden.model.capability import KIND_NAMES, capabilities_of

# `{it}` is the kind; where a kind differs it has a sentence of its own.
_EVERYWHERE = {
    "Read": "see the {it} and open it",
    "Filter": "change quick filters, parameters and what else moves in the {it}",
    "ViewComments": "read the comments on the {it}",
    "AddComment": "write comments on the {it}",
    "ExportImage": "download the {it} as an image, PDF or PowerPoint",
    "ExportData": "see and download the data that the marks of the {it} are drawn from, summed up",
    "ShareView": "show custom views of the {it} to others",
    "ViewUnderlyingData": "see and download the rows behind the {it}",
    "WebAuthoring": "edit the {it} in the browser; saving takes more",
    "RunExplainData": "have marks of the {it} explained",
    "ExportXml": "download the {it} as a file",
    "Write": "overwrite the {it}, and become its owner by it",
    "CreateRefreshMetrics": "make legacy metrics of the {it}; Tableau retired them in 2024",
    "SaveAs": "save the {it} under another name",
    "Connect": "connect to the {it} and query its data",
    "VizqlDataApiAccess": "query the {it} by VizQL Data Service, past every workbook",
    "PulseMetricDefine": "define metrics of Tableau Pulse on the {it}",
    "ExtractRefresh": "refresh extracts of the {it} and change their schedule",
    "Execute": "run the {it}",
    "WebAuthoringForFlows": "edit the {it} in the browser",
    "ChangeHierarchy": "move the {it} to another project that takes it",
    "Delete": "delete the {it}",
    "ChangePermissions": "set the permissions of the {it}, unless a project is locked",
    "ProjectLeader": "do nearly all an owner may, on the {it} and all it holds",
}
_OF_KIND = {
    ("Read", "project"): "see that the project is there; what it holds has View of its own",
    ("Write", "project"): "publish into the project",
    ("ExportXml", "workbook"): "download the workbook as a file, or save a copy of it",
    ("Connect", "workbook"): "query all data of the workbook",
}


def means(capability: str, kind: str) -> str | None:
    """`see the workbook and open it`; None for a capability unknown to this release, or that the kind does not have."""
    if capability not in capabilities_of(kind):
        return None
    return _OF_KIND.get((capability, kind)) or _EVERYWHERE[capability].format(it=KIND_NAMES[kind])
