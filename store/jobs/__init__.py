"""Background work: a job is a row that its cause writes in its own transaction; workers do it at least once."""
