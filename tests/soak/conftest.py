"""Large counts only: these tests are collected when SOAK=1 (`make soak`), and stand in no other run."""

from __future__ import annotations

from tests.conftest import SOAK

collect_ignore_glob = [] if SOAK else ["test_*.py"]
