"""A service as a table of routes: method, path rule, handler."""

from collections.abc import Callable, Iterable

from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

Handler = Callable[..., Response]
"""Called with the request and, by name, the variables of the path."""
Route = tuple[str, str, Handler]
"""For example `("GET", "/orgs/<org>/installation", handler)`; werkzeug's rule syntax."""


class Routes:
    """An app that dispatches on a table; what no route matches goes to `otherwise`.

    `otherwise` is told the request and the status that fits: 404, or 405 where another method would do.
    """

    def __init__(self, table: Iterable[Route], *, otherwise: Callable[[Request, int], Response]) -> None:
        rules = [
            Rule(path, methods=[method], endpoint=handler, merge_slashes=False) for method, path, handler in table
        ]
        self._map = Map(rules, strict_slashes=False, merge_slashes=False, redirect_defaults=False)
        self._otherwise = otherwise

    def __call__(self, request: Request) -> Response:
        """Answer with the handler that fits."""
        try:
            # Binding reads the Host header, and raises for an invalid host name.
            handler, variables = self._map.bind_to_environ(request.environ).match()
        except MethodNotAllowed as problem:
            response = self._otherwise(request, 405)
            response.headers["Allow"] = ", ".join(sorted(problem.valid_methods or ()))
            return response
        except HTTPException:
            return self._otherwise(request, 404)
        answer: Response = handler(request, **variables)
        return answer
