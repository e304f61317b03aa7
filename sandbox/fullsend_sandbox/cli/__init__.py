"""The `fullsend sandbox` commands."""
