"""Everything a running mint does not need: the command line, the caller's and the operator's side, the sandbox."""
