"""The hosted mint with shorter lifetimes."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import functions_framework
from werkzeug import Request, Response

from bench.short_lifetimes.lifetimes import shorten
from mintcore.hosted import hosted_mint

shorten()
_endpoint = hosted_mint()


@functions_framework.http
def mint(request: Request) -> Response:
    """Answer one request."""
    return _endpoint(request)
