"""`python -m stadion` is the command line."""

from stadion.apps.cli import main

main()
