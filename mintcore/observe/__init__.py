"""What operators see: log, audit events, metrics and traces."""
