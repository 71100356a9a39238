"""What engines decide without a model."""
