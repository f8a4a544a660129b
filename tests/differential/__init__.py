"""Our argv against the user's: what docker asks a fake Engine for must be the same."""
