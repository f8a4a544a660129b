"""Everything that touches the machine."""
