"""The command line, the caller's library and the operator's tools. A running mint does not need this package."""
