"""Filter patterns of CloudWatch Logs, as far as our subscriptions use them: `{ $.name = "value" }`, also with `*`."""

import fnmatch
import json
import re

MAX_LINE_BYTES = 256 * 1024
_PATTERN = re.compile(r'\{ \$\.(\w+) = "([^"?\[\]]*)" \}')


def matches(pattern: str, line: str | bytes) -> bool:
    """Return whether a log line is a JSON object whose member matches the pattern.

    Raises
    ------
    ValueError
        For other patterns than those above.
    """
    found = _PATTERN.fullmatch(pattern)
    if found is None:
        raise ValueError(f'only patterns like {{ $.name = "value" }} are supported, not {pattern}')
    name, value = found.groups()
    try:
        member = json.loads(line).get(name) if len(line) <= MAX_LINE_BYTES else None
    except (ValueError, AttributeError):
        return False
    return isinstance(member, str) and fnmatch.fnmatchcase(member, value)
