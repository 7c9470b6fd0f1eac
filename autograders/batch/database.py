"""The address of a gradebook's database, and whether the driver that it takes is installed."""

from autograders.batch.command import Refused, missing_extra

POSTGRESQL = ("postgresql://", "postgres://")


def readable(url):
    """The address as SQLAlchemy wants it, None for None: `postgresql://` means the driver psycopg here.

    Raises Refused for what is no address, or if the driver is not installed.
    """
    if url is None:
        return None
    for prefix in POSTGRESQL:
        if url.startswith(prefix):
            url = f"postgresql+psycopg://{url.removeprefix(prefix)}"
    with missing_extra():
        import sqlalchemy

        try:
            sqlalchemy.create_engine(url).dispose()
        except sqlalchemy.exc.ArgumentError as error:
            raise Refused(
                f"--db must be a database's address such as postgresql://user@host/name, got {url!r}"
            ) from error
    return url
