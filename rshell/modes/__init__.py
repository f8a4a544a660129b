"""The ways in: -c, a script on stdin, the prompt."""
