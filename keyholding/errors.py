"""Refusals of this package; sentences in ``translations/keyholding.toml``."""

from __future__ import annotations

from foundation.errors import Conflict, InvalidInput, NotPermitted, Refusal, SignInRequired, Tampering, Unavailable


class HoldersRefused(Refusal):
    """No admissible choice of holders exists; the objections say what stands in the way (R1.23)."""

    code = "keyholding.holders_refused"


class SeatRefused(InvalidInput):
    """The organisation or person cannot take this seat; the objections say why."""

    code = "keyholding.seat_refused"


class SeatTaken(Conflict):
    """The person holds another seat already: nobody is two holders."""

    code = "keyholding.seat_taken"


class AgentUnknown(SignInRequired):
    """No active seat has this agent token (401)."""

    code = "keyholding.agent_unknown"


class NotYourKeyset(NotPermitted):
    """The seat is not a member of this key set."""

    code = "keyholding.not_your_keyset"


class ProofRefused(InvalidInput):
    """The proof of possession does not verify for this lot, role and key."""

    code = "keyholding.proof_refused"


class KeyAlreadyGiven(Conflict):
    """The seat has given another public key for this key set; a key is never exchanged within one."""

    code = "keyholding.key_already_given"


class KeyUsedElsewhere(Conflict):
    """The public key stands in a key set already: every lot has fresh keys."""

    code = "keyholding.key_used_elsewhere"


class KeysetNotReady(Conflict):
    """Not all holders have given their keys. Fields: ``state``."""

    code = "keyholding.keyset_not_ready"


class KeysetInUse(Conflict):
    """Keys of this lot have been asked for already: its key set stays."""

    code = "keyholding.keyset_in_use"


class SecondPersonNeeded(NotPermitted):
    """Who declared a holder lost does not confirm it."""

    code = "keyholding.second_person"


class RehearsalOver(Conflict):
    """The rehearsal has ended; another may be under way."""

    code = "keyholding.rehearsal_over"


class GateNotAsked(Conflict):
    """No closed window of this lot has been recorded: a gate key now would be too early."""

    code = "keyholding.gate_not_asked"


class EscrowNotAsked(Conflict):
    """No share of this bid has been asked for."""

    code = "keyholding.escrow_not_asked"


class EvidenceMissing(Conflict):
    """A request must name the journal entry it rests on. Fields: ``wanted`` (event type)."""

    code = "keyholding.evidence_missing"


class GateKeyWrong(InvalidInput):
    """The private key does not belong to the public key of this seat."""

    code = "keyholding.gate_key_wrong"


class EvidenceRefused(Tampering):
    """The agent looked at what the server showed and will not act. Fields: ``reason`` (a machine word)."""

    code = "keyholding.evidence_refused"


class PolicyRefused(Refusal):
    """The pinned policy is missing, differs from the one given, or asks for no independent cosigner."""

    code = "keyholding.policy_refused"


class StateFolderBusy(Conflict):
    """Another agent works from this folder."""

    code = "keyholding.state_folder_busy"


class BackupRefused(Refusal):
    """The file is no backup of a holder's agent, there is nothing to back up, or another key lies in its place.

    Fields: ``reason`` (``form``, ``empty``, ``differs``), ``name`` where a file differs.
    """

    code = "keyholding.backup_refused"


class PaperMalformed(InvalidInput):
    """A row typed from paper does not match its checksum. Fields: ``row``; 0 is the first line or the whole."""

    code = "keyholding.paper_malformed"


class ServerOutOfReach(Unavailable):
    """The centre does not answer, or answers something else than its interface. Fields: ``reason``."""

    code = "keyholding.server_out_of_reach"


class ServerRefused(Refusal):
    """The centre declined what the agent sent. Fields: ``status``, ``answer`` (its code)."""

    code = "keyholding.server_refused"


class KeyMissing(Refusal):
    """The agent's folder holds no key for what is asked. Fields: ``lot``."""

    code = "keyholding.key_missing"
