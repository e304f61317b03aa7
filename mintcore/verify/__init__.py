"""Is this token genuine? The only place where unverified text becomes claims that are trusted."""
