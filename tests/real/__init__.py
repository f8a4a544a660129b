"""Tests on a real host: its own Docker Engine, sshd, account, journal."""
