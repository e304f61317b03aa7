"""Call GitHub for the command line: Apps, names, variables and secrets."""
