"""The mint: who may have which installation token, and the calls that get it."""
