"""The Cloud Function ``mint``: a CI job's OIDC token in, a scoped GitHub App installation token out.

``functions-framework --target=mint`` loads this file; mintcore/service.py tells the rest of the story.
"""

import functions_framework
from werkzeug import Request, Response

from mintcore.hosted import hosted_mint

# Once per process: the framework loads this file before it serves, and every request shares what is remembered.
_endpoint = hosted_mint()


@functions_framework.http
def mint(request: Request) -> Response:
    """Answer one request."""
    return _endpoint(request)
