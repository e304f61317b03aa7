"""Everything that a running mint does not need: the command line, the caller's side and the operator's side."""
