"""The REST API of tasks. Each operation parses the request, calls one service or selector, and renders the result."""
