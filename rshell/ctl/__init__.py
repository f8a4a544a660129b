"""rshellctl: one file a verb."""
