"""What takes minutes: `make soak`. The tests of the same name run a few seconds of it."""
