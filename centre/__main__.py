"""``python -m centre``."""

from centre.cli import main

if __name__ == "__main__":
    main()
