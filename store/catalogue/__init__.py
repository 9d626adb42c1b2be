"""Films, the people who made them, and the collections they hang in."""
