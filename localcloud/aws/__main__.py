"""``python -m localcloud.aws``: prepares the process and its files, then starts the server."""

from localcloud.aws.environment import prepare
from localcloud.aws.s3_files import finish_interrupted_writes
from localcloud.files import durable, sync_tree


def main() -> None:
    """Serve the local AWS until SIGTERM or Ctrl-C."""
    place = prepare()
    finish_interrupted_writes(place.state / "s3")
    if durable():
        sync_tree(place.state)  # a killed process may have left what it had not answered yet
    from localcloud.aws.launcher import serve  # importing ministack reads settings and S3's files

    serve(place)


if __name__ == "__main__":
    main()
