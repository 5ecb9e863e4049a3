"""The conditions of Tableau Pulse: defining metrics on a published data source, and following them.

Sources: "Set Up Your Site for Tableau Pulse" (who defines by site role, all follow), "Create Metrics with Tableau
Pulse", "Permission Capabilities and Templates" (Create Metric Definitions; current help). That seeing the data behind a
metric asks for View as well as Connect is believed.
"""

from __future__ import annotations

from tabwarden.access.abilities.question import Conditions, Deed, role_publishes
from tabwarden.access.abilities.site import direct_connect


def define_metric(deed: Deed) -> Conditions:
    """A new metric definition: a site role that publishes, Create Metric Definitions, and what following asks for."""
    return (*follow_metric(deed), role_publishes(deed), deed.may("PulseMetricDefine", deed.on()))


def follow_metric(deed: Deed) -> Conditions:
    """See and follow the metrics of a data source: everybody who may connect to it."""
    return (deed.of_kind("datasource"), deed.may("Read", deed.on()), direct_connect(deed, deed.on()))
