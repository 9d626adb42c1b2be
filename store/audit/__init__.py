"""Who did what, and what staff must look at."""
