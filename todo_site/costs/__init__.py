"""What a month costs, from what one task's life was measured to need."""
