from tests.dynamodb import calls, unreliable

__all__ = ["calls", "unreliable"]
