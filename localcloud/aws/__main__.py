"""``python -m localcloud.aws``: prepare the process and its files, then hand over to the launcher."""

from localcloud.aws.environment import prepare
from localcloud.aws.recovery import finish_interrupted_writes


def main() -> None:
    """Serve the local AWS until SIGTERM or Ctrl-C."""
    place = prepare()
    finish_interrupted_writes(place.state / "s3")
    from localcloud.aws.launcher import serve  # ministack reads settings and S3's files when it is imported

    serve(place)


if __name__ == "__main__":
    main()
