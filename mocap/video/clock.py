"""Frame times out of container timestamps, which may be missing, repeated or start over."""

from fractions import Fraction


class FrameClock:
    """Turns timestamps into strictly increasing seconds since the first frame.

    Good timestamps pass through exactly. A missing one is taken to be a nominal step after the
    frame before. One that does not advance is treated likewise, and if those after it advance
    from there – two recordings joined, a clock reset – the time goes on without a gap.

    Args:
        step: Nominal seconds from one frame to the next.
    """

    def __init__(self, step: Fraction) -> None:
        self._step = step
        self._last: Fraction | None = None
        self._offset: Fraction | None = None
        self._restart: Fraction | None = None

    def time(self, stamp: Fraction | None) -> float:
        """Seconds since the first frame of the next frame, whose timestamp is ``stamp``."""
        self._last = self._next(stamp)
        return float(self._last)

    def _next(self, stamp: Fraction | None) -> Fraction:
        expected = Fraction(0) if self._last is None else self._last + self._step
        if stamp is None:
            return expected
        if self._last is None or self._offset is None:
            self._offset = expected - stamp
            return expected
        if stamp + self._offset > self._last:
            self._restart = None
            return stamp + self._offset
        # A single bad timestamp must not shift all that follow, so a restart counts only
        # for as long as the original clock stays behind.
        if self._restart is None or stamp + self._restart <= self._last:
            self._restart = expected - stamp
        return stamp + self._restart
