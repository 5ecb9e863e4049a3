"""Loads a mirror's `metadata.json` by DataHub's own file source and classes. Run in DataHub's environment (python -P).

python connectors/load_datahub.py FOLDER/SOURCE/metadata.json
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

from datahub.emitter.mcp import MetadataChangeProposalWrapper
from datahub.ingestion.source.file import read_metadata_file
from datahub.metadata.schema_classes import DataHubPolicyInfoClass, MetadataChangeProposalClass
from datahub.utilities.urns.urn import Urn


def main(path: str) -> None:
    """Every proposal becomes an aspect of DataHub's own, is valid, and its urns can be read."""
    kinds: Counter[str] = Counter()
    for record in read_metadata_file(Path(path)):
        proposal = record
        if isinstance(record, MetadataChangeProposalClass):
            proposal = MetadataChangeProposalWrapper.try_from_mcpc(record)
        assert isinstance(proposal, MetadataChangeProposalWrapper), record
        assert proposal.validate(), proposal
        assert proposal.entityUrn is not None
        assert Urn.from_string(proposal.entityUrn).entity_type == proposal.entityType
        if isinstance(proposal.aspect, DataHubPolicyInfoClass):
            assert proposal.aspect.resources is not None
            assert proposal.aspect.resources.filter is not None
            named = [*proposal.aspect.resources.filter.criteria[0].values, *(proposal.aspect.actors.users or ())]
            assert all(Urn.from_string(urn) for urn in named)
        kinds[type(proposal.aspect).__name__] += 1
    assert kinds["DataHubPolicyInfoClass"], "no policy"
    print("DataHub loads", ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items())))


if __name__ == "__main__":
    main(sys.argv[1])
