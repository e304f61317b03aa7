"""Log, audit events, metrics and traces for the operator."""
