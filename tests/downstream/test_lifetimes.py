"""How long things live unless an operator says less: the figures that the product promises."""

from datetime import timedelta

from vestibule.downstream.lifetimes import Lifetimes


def test_the_promised_lifetimes() -> None:
    lives = Lifetimes()
    assert lives.code == timedelta(seconds=60)
    assert lives.id_token == lives.access_token == timedelta(hours=1)
    assert (lives.refresh_idle, lives.refresh_absolute) == (timedelta(days=14), timedelta(days=90))
