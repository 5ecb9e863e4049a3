"""The fixtures of two real Active Directory domains; tests/support/samba.py tells their use. Not the domains."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import samba_image

if TYPE_CHECKING:
    import samba  # only where the domains are wanted, for it loads much


@pytest.fixture(scope="session")
def image_of_domains(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both domains provisioned and filled, once a run, whatever the number of workers."""
    if why := samba_image.missing():
        pytest.skip(why)
    base = tmp_path_factory.getbasetemp()
    # Workers have folders of their own below the one of the run.
    return samba_image.image(base.parent if base.name.startswith("popen-") else base)


@pytest.fixture(scope="session")
def domains(image_of_domains: Path) -> Iterator[samba.Domains]:
    """Two running domains for all tests of a worker: change only people you added yourself."""
    import samba

    with samba.running(image_of_domains) as pair:
        yield pair


@pytest.fixture
def fresh_domains(image_of_domains: Path) -> Iterator[samba.Domains]:
    """Two running domains for one test, which may change anything in them."""
    import samba

    with samba.running(image_of_domains) as pair:
        yield pair
