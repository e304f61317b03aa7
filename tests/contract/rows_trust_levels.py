# ruff: noqa: E501 - a row stays on its line
"""The rows of trust about levels, permissions and malformed fields."""

from __future__ import annotations

from typing import Any

from tests.contract.trust_rows import APP, FULL, METADATA, STRANGER, coder, lacks, level, no, ok, role, scanner
from tests.contract.trust_world import HOST_FLOW, SCANNER

MALFORMED_LEVELS: list[Any] = ["", "Read", "read ", "a" * 33, 1, True, ["read"], {}, "*", "r\u0435ad"]
MALFORMED_PERMISSIONS: list[Any] = [
    {}, [], "contents:read", 1, True, {"contents": "none"}, {"contents": None}, {"contents": ["read"]},
    {"Contents": "read"}, {"": "read"}, {"contents": "READ"}, {"a" * 65: "read"},
]  # fmt: skip
LEVELS = (
    *(
        ok("caller", f"{name} at level {one}", role(name, level=one), "octo-org/app", job=APP,
           warns=lacks(name, one))
        for name in sorted(FULL)
        for one in ("read", "write")
    ),
    *(
        ok("caller", f"scanner at level {one}", role("scanner", level=one), "octo-org/app",
           METADATA | scanner(one), job=APP, warns=("workflows:read",) if one == "write" else ())
        for one in SCANNER["levels"]
    ),
    ok("caller", "scanner at its default level", role("scanner"), "octo-org/app",
       METADATA | scanner("write"), job=APP, warns=("workflows:read",)),
    no("caller", "level null", coder(level=None), "invalid_level", status=400, job=APP),
    ok("public", "the default level is the operator's", coder(), "octo-org/app", level("coder", "read"),
       job=APP | {"workflow": f"{HOST_FLOW}@refs/heads/main"}),
    ok("public", "a level above the default", coder(level="write"), "octo-org/app",
       job=APP | {"workflow": f"{HOST_FLOW}@refs/heads/main"}),
    *(
        no("caller", f"level {one!r} is malformed", coder(level=one), "invalid_level", status=400, job=APP)
        for one in MALFORMED_LEVELS
    ),
    no("caller", "a level of another role", coder(level="full"), "invalid_level", "read, write", status=400, job=APP),
    no("caller", "a level that no role has", role("scanner", level="admin"), "invalid_level",
       "look, read, write, full", status=400, job=APP),
    no("caller", "the organization is denied before the level", coder(level="full"), "org_not_allowed",
       job=STRANGER),
    *(
        ok("caller", f"permissions {asked}", coder(permissions=asked), "octo-org/app", METADATA | asked, job=APP)
        for asked in (
            {"contents": "read"},
            {"contents": "write"},
            {"issues": "read", "contents": "write"},
            {"metadata": "read"},
            {"checks": "read"},
            level("coder"),
        )
    ),
    ok("caller", "permissions within the level read", coder(level="read", permissions={"issues": "read"}),
       "octo-org/app", METADATA | {"issues": "read"}, job=APP),
    no("caller", "permissions null", coder(permissions=None), "invalid_permissions", status=400, job=APP),
    *(
        ok("caller", f"read access to workflows beside another permission, level {one}",
           role("fullsend", level=one, permissions={"workflows": "read", "contents": "read"}), "octo-org/app",
           METADATA | {"contents": "read"}, job=APP, warns=("workflows:read",))
        for one in ("read", "write")
    ),
    *(
        no("caller", f"read access to workflows and nothing else: {name}, level {one}",
           role(name, level=one, permissions={"workflows": "read"}), "permissions_not_granted", "workflows:read",
           "workflows:write", status=422, job=APP, exchanges=True)
        for name in ("fullsend", "e2e")
        for one in ("read", "write")
    ),
    no("caller", "read access to workflows for a role that has none", coder(permissions={"workflows": "read"}),
       "permissions_not_allowed", "workflows:read", job=APP),
    no("caller", "write access to workflows at level read", role("fullsend", level="read",
       permissions={"workflows": "write"}), "permissions_not_allowed", "workflows:write", job=APP),
    *(
        no("caller", f"permissions beyond the level: {asked}", coder(permissions=asked), "permissions_not_allowed",
           says, job=APP)
        for asked, says in (
            ({"contents": "admin"}, "contents:admin"),
            ({"checks": "write"}, "checks:write"),
            ({"administration": "read"}, "administration:read"),
            ({"contents": "read", "secrets": "read", "actions": "write"}, "actions:write, secrets:read"),
            ({"metadata": "write"}, "metadata:write"),
        )
    ),
    no("caller", "permissions beyond the level read", coder(level="read", permissions={"contents": "write"}),
       "permissions_not_allowed", "contents:write", job=APP),
    no("caller", "permissions of a wider level", role("scanner", level="look", permissions={"issues": "read"}),
       "permissions_not_allowed", "issues:read", job=APP),
    *(
        no("caller", f"permissions {asked!r} are malformed", coder(permissions=asked), "invalid_permissions",
           status=400, job=APP)
        for asked in MALFORMED_PERMISSIONS
    ),
)  # fmt: skip
