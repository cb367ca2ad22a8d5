"""The one publisher that takes committed journal entries into the transparency log, and the proofs it makes possible.

Truth is the database: a leaf is in the log when the transaction that gave it its index has committed. Tiles, signed
checkpoints and cosignatures are derived from the leaves and may be made again after a crash at any line.

| module | holds |
|---|---|
| ``models`` | rows: state, leaves, nodes, placements, checkpoints |
| ``entries`` | the text of a public leaf and of a private record |
| ``tree`` | growing the tree and reading its hashes from the rows |
| ``ticks`` | when a blinded leaf is due, and who says that one must come although nothing happened |
| ``batch`` | step 1: entries become leaves, in one transaction |
| ``publisher`` | lease, step 2: tiles, signature, cosignature; the alarm |
| ``proofs`` ``policy`` ``audit`` | what others ask: proofs, whom to trust, and the check of everything |
"""
