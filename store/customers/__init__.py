"""People with an account: sign up, sign in, sessions."""
