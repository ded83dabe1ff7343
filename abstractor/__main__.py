"""`python -m abstractor`: the command line."""

from abstractor.cli.main import main

if __name__ == "__main__":
    main()
