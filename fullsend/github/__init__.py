"""GitHub as the command line uses it: Apps, names, variables and secrets."""
