"""What the system, a decoder or a library says is wrong, in words of ours: of theirs none is an answer."""

from __future__ import annotations

import errno
import json
import re
import socket
import ssl
from collections.abc import Mapping
from typing import Any

# By OpenSSL's code of a certificate that was not accepted (verify(1) of its manual).
_CERTIFICATES = {
    9: "it is not valid yet; is this machine's clock right?",
    10: "it has expired; who runs the server renews it",
    18: "it is signed by itself",
    19: "it is signed by itself at its root",
    20: "who issued it is not trusted here",
    21: "who issued it is not trusted here",
    62: "it is for another name",
    64: "it is for another address",
}
_KINDS = {
    "string_type": "must be text",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "mapping_type": "must be a mapping of names and values",
    "dict_type": "must be a mapping of names and values",
    "model_type": "must be a mapping of names and values",
    "model_attributes_type": "must be a mapping of names and values",
    "missing": "is missing",
    "too_short": "is empty",
    "string_too_short": "is empty",
    "json_invalid": "is not JSON",
}
_BOUNDS = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}


def why(error: Exception) -> str:
    """Why something could not be read or understood, to stand behind a colon."""
    match error:
        case UnicodeDecodeError():
            return f"byte {error.start + 1:,} is no UTF-8 text; save it as UTF-8"
        case OSError(errno=errno.ENOSPC | errno.EDQUOT):
            return "the disk is full"
        case OSError():
            return (error.strerror or "the system refuses").lower()
        case json.JSONDecodeError():
            return f"it is no JSON at line {error.lineno}, column {error.colno}"
        case RecursionError():
            return "it is nested too deep"
    mark = getattr(error, "problem_mark", None)
    if mark is not None:
        return f"look at line {mark.line + 1}, column {mark.column + 1}: its quotes, brackets and indentation"
    return str(error) if type(error).__name__ == "YAMLError" else "it is not what it should be"


def breach(error: Mapping[str, Any]) -> str:
    """What is wrong with one value, of the details of a model's error."""
    kind, context = error["type"], error.get("ctx", {})
    if kind in ("value_error", "assertion_error"):
        return str(context.get("error", "is not what it may be"))
    if kind == "extra_forbidden":
        return "is no key that is known here"
    if kind == "literal_error":
        return f"must be {context.get('expected', 'another word').replace(chr(39), '`')}"
    bound = next((f"must be {words} {context[name]}" for name, words in _BOUNDS.items() if name in context), None)
    return bound or _KINDS.get(kind, "is not what it may be")


def of_tls(error: Exception) -> str:
    """Why a protected line was not made."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _CERTIFICATES.get(error.verify_code, "it was not accepted")
    reason = str(getattr(error, "reason", "") or error).upper()
    if "ALERT" in reason or "UNSUPPORTED_PROTOCOL" in reason or "NO_PROTOCOLS" in reason or "HANDSHAKE" in reason:
        return "the other side and this machine agree on no version of TLS, or it wants a certificate of ours"
    return "what answers speaks no TLS"


def of_listening(error: OSError) -> str:
    """Why no port was opened."""
    if error.errno == errno.EADDRINUSE:
        return "something listens there already; give another `--port`, or 0 for a free one"
    if error.errno in (errno.EACCES, errno.EPERM):
        return "this account may not; give a port from 1024"
    if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        return "this machine has no such address; give 127.0.0.1"
    return why(error)


# Of a driver's words where they tell what no code of it does: nearly all that goes wrong before anybody is let in.
_OF_ENTERING = (
    ("password authentication failed|no password supplied|no pg_hba", "it refuses the sign-in"),
    ("resolve host|translate host|name or service not known|getaddrinfo", "its name is not known here"),
    ("refused|errno 111|no such file", "nobody listens there"),
    ("reset by peer|broken pipe|closed the connection|connection is closed", "the connection was cut off"),
    ("timeout expired|timed? ?out", "it did not answer in time"),
    ("unreachable|no route", "there is no way to it from this machine"),
    ("certificate|ssl|tls", "no protected line to it was made"),
    ("role .* does not exist", "it has no such user"),
    ("database .* does not exist", "it has no such database"),
    (
        "connection info string|connection option|conninfo|invalid dsn|invalid uri",
        "its address is not written as such a database's is",
    ),
)
_OF_STATES = {  # SQLSTATE, by its class
    "08": "the connection failed",
    "22": "a value is not what its column takes",
    "23": "a value breaks a rule of its table",
    "28": "it refuses the sign-in",
    "3D": "it has no such database",
    "42": "it does not know or does not allow what is asked",
    "53": "it has no room or memory left",
    "57": "whoever runs it has ended the connection",
}
_OF_CLASSES = {  # PEP 249
    "IntegrityError": "a value breaks a rule of its table",
    "DataError": "a value is not what its column takes",
    "NotSupportedError": "it cannot do that",
    "ProgrammingError": "it does not know or does not allow what is asked",
}


def of_entering(words: str, otherwise: str) -> str:
    """Why a server was not reached or does not let in, of what a library says of it."""
    return next((ours for pattern, ours in _OF_ENTERING if re.search(pattern, words, re.IGNORECASE)), otherwise)


def of_database(error: BaseException) -> str:
    """Why a database does not do what it is asked."""
    if ours := _OF_STATES.get(str(getattr(error, "sqlstate", None) or "")[:2]):
        return ours
    classes = (kind.__name__ for kind in type(error).__mro__)
    return of_entering(
        str(error), next((_OF_CLASSES[n] for n in classes if n in _OF_CLASSES), "it refuses what is asked")
    )


def of_connecting(error: OSError) -> str:
    """Why nobody was reached."""
    if isinstance(error, socket.gaierror):
        return "its name is not known here"
    if error.errno == errno.ECONNREFUSED:
        return "nobody listens there"
    if error.errno in (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EADDRNOTAVAIL):
        return "there is no way to it from this machine"
    if error.errno in (errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED):
        return "the connection was cut off"
    if isinstance(error, TimeoutError):
        return "it did not answer in time"
    return f"the system says: {(error.strerror or 'no').lower()}"
