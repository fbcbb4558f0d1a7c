"""A bound on what one call may cost, counted in steps: the same for the same input on any machine, unlike seconds."""


class OutOfStepsError(Exception):
    """A call took more steps than it may.

    Attributes
    ----------
    measured
        The steps that were counted when it was stopped.
    limit
        The steps that it may take.
    """

    def __init__(self, measured: int, limit: int) -> None:
        super().__init__(f"{measured} steps, {limit} at most")
        self.measured, self.limit = measured, limit


class Steps:
    """Counts the steps of one call. What a step is, the code that counts says: a word tried, a day, a row.

    Parameters
    ----------
    limit
        The steps that the call may take.
    """

    def __init__(self, limit: int) -> None:
        self.taken, self.limit = 0, limit

    def spend(self, number: int = 1) -> None:
        """Count ``number`` steps, before they are taken. Raises OutOfStepsError."""
        self.taken += number
        if self.taken > self.limit:
            raise OutOfStepsError(self.taken, self.limit)
