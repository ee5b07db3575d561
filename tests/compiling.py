"""Compiled steps, which a test takes where it asks for them, and no test after it."""

from hashsvc_index import compilation


def compile_all(load: bool = True) -> None:
    """From here on the compiled steps of all that is imported are taken, or the plain ones."""
    for one in compilation._KNOWN:
        one.module = None
    if load:
        compilation.load_all()
