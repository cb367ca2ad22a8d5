"""The data of each paper and the function that renders it.

Everything here is plain text as it shall be read: amounts ("12,860,000.00"), instants in Beijing time
("2026-11-24 09:30:00"), digests in hex. Whoever fills a form decides and formats; a template only lays out.
"""

from foundation.documents.forms.opening import (
    DrawnCoefficient,
    FailedOpeningData,
    FailedOpeningSeat,
    OpeningRecordBid,
    OpeningRecordData,
    SubmissionReceiptData,
    render_failed_opening,
    render_opening_record,
    render_submission_receipt,
)
from foundation.documents.forms.paper import Paper
from foundation.documents.forms.samples import (
    BillItem,
    BillSection,
    SampleBidData,
    SampleBillData,
    SummaryLine,
    render_sample_bid,
    render_sample_bill,
)
from foundation.documents.forms.tender import (
    Answer,
    Attachment,
    ClarificationData,
    KeysetSeat,
    MethodParameter,
    Party,
    TenderDocumentData,
    TenderNoticeData,
    TextSection,
    render_clarification,
    render_tender_document,
    render_tender_notice,
)
from foundation.documents.forms.trace import BidTraceData, BidTraceStep, render_bid_trace

__all__ = [
    "Answer",
    "Attachment",
    "BidTraceData",
    "BidTraceStep",
    "BillItem",
    "BillSection",
    "ClarificationData",
    "DrawnCoefficient",
    "FailedOpeningData",
    "FailedOpeningSeat",
    "KeysetSeat",
    "MethodParameter",
    "OpeningRecordBid",
    "OpeningRecordData",
    "Paper",
    "Party",
    "SampleBidData",
    "SampleBillData",
    "SubmissionReceiptData",
    "SummaryLine",
    "TenderDocumentData",
    "TenderNoticeData",
    "TextSection",
    "render_bid_trace",
    "render_clarification",
    "render_failed_opening",
    "render_opening_record",
    "render_sample_bid",
    "render_sample_bill",
    "render_submission_receipt",
    "render_tender_document",
    "render_tender_notice",
]
