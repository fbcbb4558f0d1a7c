"""``python -m localcloud.aws``: prepares the process and its files, then starts the server."""

from localcloud.aws.environment import prepare
from localcloud.aws.s3_recovery import finish_interrupted_writes


def main() -> None:
    """Serve the local AWS until SIGTERM or Ctrl-C."""
    place = prepare()
    finish_interrupted_writes(place.state / "s3")
    from localcloud.aws.launcher import serve  # importing ministack reads settings and S3's files

    serve(place)


if __name__ == "__main__":
    main()
