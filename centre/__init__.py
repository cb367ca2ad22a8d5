"""Composition root: the only package that knows all the others. It starts processes and wires them together."""
