"""Build the parts of one GitHub, which all endpoints share."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from fullsend_sandbox.clock import Clock
from fullsend_sandbox.github.actions_stores import ActionsStores
from fullsend_sandbox.github.app_auth import AppAuth
from fullsend_sandbox.github.apps import Apps
from fullsend_sandbox.github.limits import Limits
from fullsend_sandbox.github.token_auth import TokenAuth
from fullsend_sandbox.github.tokens import Tokens, TokenStyle
from fullsend_sandbox.github.user_tokens import UserTokens
from fullsend_sandbox.github.views import Views
from fullsend_sandbox.github.world import World


@dataclass(frozen=True)
class Parts:
    """The state, and the two ways to authenticate."""

    world: World
    apps: Apps
    tokens: Tokens
    user_tokens: UserTokens
    actions_stores: ActionsStores
    limits: Limits
    app_auth: AppAuth
    token_auth: TokenAuth
    views: Views
    clock: Clock

    @classmethod
    def build(cls, clock: Clock, style: TokenStyle, api_url: Callable[[], str]) -> Self:
        """Build an empty GitHub; `api_url` is called when an answer needs links."""
        world = World(clock)
        apps = Apps(world, clock)
        tokens, user_tokens = Tokens(clock, style), UserTokens()
        auths = AppAuth(apps, clock), TokenAuth(tokens, user_tokens)
        return cls(world, apps, tokens, user_tokens, ActionsStores(), Limits(clock), *auths, Views(api_url), clock)
