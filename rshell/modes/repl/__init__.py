"""The prompt: one truth, the deciding function colours, completes and explains."""
