"""Django's stock admin over DynamoDB, for models declared from PynamoDB models. See README.md."""
