# ruff: noqa: INP001 - loaded by its path; alone in its folder, which Locust puts on sys.path
"""The Locust file that is loaded besides the user's own. It defines no user.

Workers on other machines get its text from the master, so it holds nothing but this import.
"""

try:
    from chaos.load.inside.install import install
except ImportError as error:
    raise SystemExit(
        f"{error}. A Locust worker for chaos needs chaos itself, in the same version as on the"
        " machine that runs the experiment: python -m pip install chaos-resilience"
    ) from error

install()
