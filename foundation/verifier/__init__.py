"""Whether an audit bundle of an opening holds: twelve named checks that a stranger can run without trusting anybody.

Byte forms: ``docs/reference/bundle-format.md``. This package imports nothing of the product, on purpose: it was written
from the format pages, so that a fault of the programs that sealed, logged and drew is not repeated in their check; and
``export.single_file`` joins its modules into one file that needs ``cryptography`` alone. A second verifier, written
apart from this one, is in ``static/js/verify``.

| module | holds |
|---|---|
| ``problems`` ``reading`` ``container`` | what a check finds; strict readers; a bundle as files |
| ``merkle`` ``signed`` | trees, checkpoints, policies |
| ``envelope`` ``papers`` ``transcripts`` ``beacons`` | sealed bids and draws, read anew |
| ``evidence`` ``checks_*`` ``runner`` | what a bundle says, V0 to V12, the report |
| ``comparison`` ``wording`` ``main`` ``export`` | two bundles, sentences, command line, the single file |
"""

from foundation.verifier.comparison import Difference, compare_paths
from foundation.verifier.problems import Check, Problem
from foundation.verifier.runner import NAMES, Report, verify_files, verify_path

__all__ = ["NAMES", "Check", "Difference", "Problem", "Report", "compare_paths", "verify_files", "verify_path"]
