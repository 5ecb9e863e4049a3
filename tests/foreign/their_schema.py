"""Runs where tableau-api-client is installed: reads answers with its classes, which are made from Tableau's schema.

Takes {name: answer in XML} as JSON, prints {name: what is wrong} as JSON. An element that the schema does not have, a
value that its type does not take are wrong; attributes came and come without the schema.
"""

import json
import sys
import warnings

from tableau_api_client import TableauApiClient
from tableau_api_client.models.ts_api import TsResponse
from xsdata.formats.dataclass.parsers import XmlParser
from xsdata.formats.dataclass.parsers.config import ParserConfig

warnings.simplefilter("error")
client = TableauApiClient("http://localhost", api_version="3.23")
parser = XmlParser(config=ParserConfig(fail_on_unknown_properties=True), context=client.xml_context)
wrong = {}
for name, answer in json.load(sys.stdin).items():
    try:
        read = parser.from_string(client._read_response_string(answer), TsResponse)
        if not any(value is not None for value in vars(read).values()):
            wrong[name] = "nothing was read"
    except Exception as problem:
        wrong[name] = f"{type(problem).__name__}: {problem}"
json.dump(wrong, sys.stdout)
