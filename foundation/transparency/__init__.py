"""The transparency log: what makes silence, rewriting and two faces provable.

Everything here is pure or speaks to one small ``get(path)``/``put(path, bytes)`` store; nothing knows Flask or SQL.
Formats are the C2SP text formats (signed-note, tlog-checkpoint, tlog-tiles, tlog-proof, tlog-cosignature, tlog-witness,
tlog-policy), described with our additions in ``docs/reference/log-format.md``.

| module | holds |
|---|---|
| ``merkle`` | RFC 6962 hashes, frontier, proofs and their verification |
| ``keys`` ``notes`` ``checkpoint`` | key texts and files, signed notes, cosignatures, tree heads |
| ``policy`` ``proof`` ``verify`` | whom a reader trusts, the proof file, and the check a client runs |
| ``tiles`` ``storage`` | the log as static files |
| ``blinding`` | entry forms, and the tick leaf that tells nothing about bidders |
| ``cosigning`` ``cosigner`` | the cosigner's decision, its record, its server and the client that calls it |
"""
