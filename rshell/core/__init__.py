"""The pure heart: text in, decision out. No I/O, no clock, no environment, no third party."""
