"""Who sends a request: Cognito, sign-in, sessions, access tokens, roles, profiles and preferences."""
