"""People: Cognito, sign-in, sessions, access tokens, roles, profiles and preferences."""
