"""One small adapter per Google API. Decides no policy: reads become plain values, writes are single calls."""
