"""Transparency reports over the wire."""

import dataclasses

from hashsvc.report.model import AppealCount, Enforcement
from hashsvc.wire.report import decode_report, encode_report
from tests.cli.answering import REPORT


def test_every_figure_comes_back() -> None:
    """With medians and without, and with faults."""
    empty = dataclasses.replace(
        REPORT, faults=("x",), verdicts=(), uploads=(), steps=(), enforcement=Enforcement(), appeals=AppealCount()
    )
    for report in (REPORT, empty):
        assert decode_report(encode_report(report)) == report
