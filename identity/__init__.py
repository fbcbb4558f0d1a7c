"""Who somebody is: Cognito's tokens, the browser session, roles."""
