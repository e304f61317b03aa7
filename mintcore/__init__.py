"""The mint: it decides which installation token a caller gets, and requests that token from GitHub."""
