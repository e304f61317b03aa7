"""The Cloud Function ``mint``: exchange a CI job's OIDC token for a scoped GitHub App installation token.

``functions-framework --target=mint`` loads this file and starts a server, which calls the endpoint directly
(mintcore/http/framework.py). Only the framework's debug server calls ``mint``. mintcore/service.py has the steps.
"""

import functions_framework
from werkzeug import Request, Response

from mintcore.hosted import hosted_mint

# Once per process: the framework loads this file before it serves, and all requests share the caches.
_endpoint = hosted_mint()


@functions_framework.http
def mint(request: Request) -> Response:
    """Answer one request."""
    return _endpoint(request)
