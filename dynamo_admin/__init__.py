"""Django's stock admin over DynamoDB: declare a model from a PynamoDB model, get an admin. See README.md."""
