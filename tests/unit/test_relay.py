"""The bad line that tests put between client and server."""

from tests.lab.relay import Line


def test_frames_arrive_late_and_in_order() -> None:
    line = Line(delay_s=0.1)
    line.put(b"one", 0)
    line.put(b"two", 0.05)

    assert line.next_arrival() == 0.1
    assert line.take(0.09) == []
    assert line.take(0.1) == [b"one"]
    assert line.take(1) == [b"two"]


def test_a_narrow_line_takes_its_time_and_drops_what_would_wait_too_long() -> None:
    line = Line(rate=8000, queue_s=2)
    for _ in range(10):
        line.put(bytes(1000), 0)

    assert len(line.take(1)) == 1
    assert len(line.take(100)) == 2


def test_a_lossy_line_loses_about_what_it_should() -> None:
    line = Line(loss=0.1)
    for number in range(10_000):
        line.put(b"frame", number)

    assert 8800 < len(line.take(20_000)) < 9200
