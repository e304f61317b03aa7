"""The HTTP edge: requests, answers, and the servers of both modes."""
