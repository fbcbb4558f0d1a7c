"""The pages about oneself: profile and choices, security, access for programs, one's data."""
