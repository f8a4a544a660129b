"""What an installed host consists of: steps that look, change, and can be taken back."""
