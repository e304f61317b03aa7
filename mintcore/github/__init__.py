"""GitHub as each role's App sees it: installations, tokens, grants, commits, ids, and the meaning of refusals."""
