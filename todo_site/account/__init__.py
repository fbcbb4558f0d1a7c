"""The account pages: profile, security, second factor, access for programs, data, and deleting the account."""
