"""The HTTP edge: what comes in, what goes out, and the servers of both modes."""
