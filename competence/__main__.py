"""``python -m competence`` is the same as the ``competence`` command."""

from competence.cli import main

if __name__ == "__main__":
    main()
