"""`python -m hashsvc.cli`: the command line, where the `hashsvc` script is not on the path."""

from hashsvc.cli import main

if __name__ == "__main__":
    main(prog_name="hashsvc")
