"""Sample workbooks that a project can be filled with: the names Tableau's samples have, without their data."""

from __future__ import annotations

from collections.abc import Mapping

from tabwarden.model.site import Content
from tabwarden.sandbox.content import placeholders, publishing, visibility
from tabwarden.sandbox.content.publishing import Order
from tabwarden.sandbox.http.call import Call

SAMPLES: Mapping[str, tuple[str, ...]] = {
    "Superstore": ("Overview", "Product", "Customers", "Shipping"),
    "Regional": ("Global Temperatures", "College", "Economy", "Stocks"),
    "World Indicators": ("Population", "GDP per capita", "Health"),
}


def asked_for(call: Call) -> bool:
    """Whether a request about a project asks for the samples too."""
    return (call.query("publishSamples") or "").lower() == "true"


def publish_into(call: Call, project: Content) -> None:
    """Publish the samples as the asker, over those that are there; refused to whoever may not publish there."""
    visibility.demand(call, "publish", project)
    for name, sheets in SAMPLES.items():
        sample = Content("", "workbook", name, project.id, call.me.id)
        order = Order(
            call.session.site,
            call.me.id,
            "workbook",
            name,
            project.id,
            call.state.blobs.keep(placeholders.package(sample, sheets)),
            f"{name}.twbx",
            publishing.OVERWRITE,
            tabs=True,
        )
        publishing.publish(call.state, order)
