"""Signals to this very process, which notes them instead of dying."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from pipespec.engine.interrupts import watch_signals


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_is_noted_and_ends_the_wait_that_goes_on(signum):
    woken = []

    with watch_signals() as interrupts:
        with interrupts.waking(lambda: woken.append(1)):
            os.kill(os.getpid(), signum)
        os.kill(os.getpid(), signum)

    assert (interrupts.count, interrupts.signum, woken) == (2, signum, [1])


def test_the_first_signal_is_the_reason_and_all_are_counted():
    with watch_signals() as interrupts:
        for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGINT):
            os.kill(os.getpid(), signum)

    assert (interrupts.count, interrupts.signum) == (3, signal.SIGTERM)


def test_handlers_are_given_back_also_after_an_error():
    before = [signal.getsignal(signum) for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]

    with pytest.raises(ZeroDivisionError), watch_signals():
        raise ZeroDivisionError

    assert [signal.getsignal(signum) for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == before


def test_an_ignored_signal_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with watch_signals() as interrupts:
            os.kill(os.getpid(), signal.SIGHUP)

        assert interrupts.count == 0
    finally:
        signal.signal(signal.SIGHUP, before)


def test_another_thread_takes_no_signals_over():
    seen = []

    def run():
        with watch_signals() as interrupts:
            seen.append((signal.getsignal(signal.SIGINT), interrupts.count))

    before = signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()

    assert seen == [(before, 0)]
