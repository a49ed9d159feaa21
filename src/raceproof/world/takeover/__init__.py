"""Real primitives that an execution meets: made before it, or behind its back."""
