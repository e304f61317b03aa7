"""Build the URLs in GitHub's repository objects, which are most of their size."""

_ENDINGS = """
archive /{archive_format}{/ref}|assignees {/user}|blobs /git/blobs{/sha}|branches {/branch}
collaborators {/collaborator}|comments {/number}|commits {/sha}|compare /{base}...{head}|contents /{+path}
contributors|deployments|downloads|events|forks|git_commits /git/commits{/sha}|git_refs /git/refs{/sha}
git_tags /git/tags{/sha}|hooks|issue_comment /issues/comments{/number}|issue_events /issues/events{/number}
issues {/number}|keys {/key_id}|labels {/name}|languages|merges|milestones {/number}
notifications {?since,all,participating}|pulls {/number}|releases {/id}|stargazers|statuses {/sha}|subscribers
subscription|tags|teams|trees /git/trees{/sha}
"""


def repository_links(api: str, site: str, full_name: str) -> dict[str, object]:
    """Return the links of a repository at the API's address and the site's (GitHub REST: Get a repository)."""
    repository = f"{api}/repos/{full_name}"
    links: dict[str, object] = {"url": repository, "html_url": f"{site}/{full_name}"}
    for entry in _ENDINGS.strip().replace("\n", "|").split("|"):
        name, _, ending = entry.partition(" ")
        links[f"{name}_url"] = repository + (ending if ending.startswith("/") else f"/{name}{ending}")
    host = site.removeprefix("https://")
    return links | {
        "git_url": f"git:{host}/{full_name}.git",
        "ssh_url": f"git@{host}:{full_name}.git",
        "clone_url": f"{site}/{full_name}.git",
        "svn_url": f"{site}/{full_name}",
        "mirror_url": None,
        "homepage": None,
    }
