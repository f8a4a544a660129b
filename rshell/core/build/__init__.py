"""docker build: its options, the Dockerfile, and what of a context is sent."""
