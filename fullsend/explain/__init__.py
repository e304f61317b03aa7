"""Why a mint decides as it does, worked out offline by the mint's own policy code."""
