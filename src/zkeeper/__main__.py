"""`python -m zkeeper` is the `zkeeper` command."""

from zkeeper.cli.main import main

if __name__ == "__main__":
    main()
