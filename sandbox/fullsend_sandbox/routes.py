"""Serve requests by a table of routes: method, path rule, handler."""

from collections.abc import Callable, Iterable
from functools import cache

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
        routes = tuple(table)
        self._handlers = [handler for _, _, handler in routes]
        self._map = _compiled(tuple((method, path) for method, path, _ in routes))
        self._otherwise = otherwise

    def __call__(self, request: Request) -> Response:
        """Answer with the handler that fits."""
        try:
            # Binding reads the Host header, and raises for an invalid host name.
            index, variables = self._map.bind_to_environ(request.environ).match()
        except MethodNotAllowed as problem:
            response = self._otherwise(request, 405)
            response.headers["Allow"] = ", ".join(sorted(problem.valid_methods or ()))
            return response
        except HTTPException:
            return self._otherwise(request, 404)
        handler: Handler = self._handlers[index]
        return handler(request, **variables)


@cache  # a world that starts again has the same paths; compiling them is most of its start
def _compiled(paths: tuple[tuple[str, str], ...]) -> Map:
    rules = [
        Rule(path, methods=[method], endpoint=index, merge_slashes=False)
        for index, (method, path) in enumerate(paths)
    ]
    return Map(rules, strict_slashes=False, merge_slashes=False, redirect_defaults=False)
