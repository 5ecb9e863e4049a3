"""The conditions of connecting to published data from Tableau Desktop, past every workbook.

Sources: the blog, §5 (Connect of one's own reaches from Desktop; Connect of the project's works through workbooks only,
an open point); "Set Users' Site Roles": Viewers connect to no data.
"""

from __future__ import annotations

from tabwarden.access.abilities.question import Conditions, Deed, role_explores
from tabwarden.access.abilities.site import direct_connect


def connect_from_desktop(deed: Deed) -> Conditions:
    """Connect from Desktop to a published data source or virtual connection."""
    data = (deed.may("Read", deed.on()), direct_connect(deed, deed.on()))
    return (deed.of_kind("datasource", "virtualconnection"), role_explores(deed), *data)
