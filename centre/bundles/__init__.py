"""The audit bundle of an opening: what anybody, or a supervisor, takes home to verify it without this centre.

| module | holds |
|---|---|
| ``gather`` | everything a bundle says, from the journal and the log |
| ``archive`` | a bundle as a folder or as a zip of one fixed form |
| ``issuing`` | when bundles are made, where they are kept |
| ``web`` ``cli`` | downloads and the page that verifies; ``centre bundle``, ``verify``, ``export-verifier`` |

Byte forms: ``docs/reference/bundle-format.md``. The verifier is ``foundation.verifier`` and shares no code with this.
"""
