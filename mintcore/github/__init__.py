"""The mint's calls to GitHub: installations, tokens, grants, commits, ids, and the meaning of refusals."""
