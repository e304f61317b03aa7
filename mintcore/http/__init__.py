"""The HTTP edge: what comes in, what goes out, and the standalone server."""
