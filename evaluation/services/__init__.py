"""Use cases of evaluation, award and contract."""
