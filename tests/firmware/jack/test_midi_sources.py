"""Which MIDI ports are connected, through any coming and going."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from nampedal.firmware.jack.midi_sources import MidiSources

PORTS = ["hw:1", "hw:2", "soft:1", "soft:2"]


def test_what_is_asked_for_is_connected_whenever_it_is_there() -> None:
    sources = MidiSources(["soft:1"])
    assert sources.update(["soft:1"], [], [], moved=True) == []
    assert sources.update(["soft:1"], ["soft:1", "hw:1"], [], moved=True) == ["soft:1"]
    assert sources.update(["soft:1"], ["soft:1", "hw:1"], ["soft:1"], moved=False) == []
    assert sources.update(["soft:1"], ["hw:1"], [], moved=True) == []
    assert sources.update(["soft:1"], ["soft:1"], [], moved=True) == ["soft:1"]


def test_what_was_connected_by_hand_is_connected_again_when_it_comes_back() -> None:
    sources = MidiSources()
    sources.update(["hw:1"], ["hw:1", "soft:1"], ["hw:1", "soft:1"], moved=False)
    assert sources.update(["hw:1"], ["hw:1"], ["hw:1"], moved=True) == []
    assert sources.update(["hw:1"], ["hw:1", "soft:1"], ["hw:1"], moved=True) == ["soft:1"]


def test_what_went_and_came_between_two_looks_is_connected_again() -> None:
    sources = MidiSources()
    sources.update([], ["soft:1"], ["soft:1"], moved=False)
    assert sources.update([], ["soft:1"], [], moved=True) == ["soft:1"]


def test_what_was_disconnected_by_hand_stays_so_also_when_it_comes_back() -> None:
    sources = MidiSources()
    sources.update([], ["soft:1"], ["soft:1"], moved=False)
    assert sources.update([], ["soft:1"], [], moved=False) == []
    assert sources.update([], [], [], moved=True) == []
    assert sources.update([], ["soft:1"], [], moved=True) == []


def test_another_server_is_connected_to_as_the_one_before() -> None:
    sources = MidiSources()
    sources.update([], ["soft:1"], ["soft:1"], moved=False)
    sources.begin()
    assert sources.update([], [], [], moved=False) == []
    assert sources.update([], ["soft:1"], [], moved=True) == ["soft:1"]


@given(st.lists(st.tuples(st.sets(st.sampled_from(PORTS)), st.booleans()), max_size=20), st.booleans())
def test_what_is_asked_for_and_there_is_connected_after_every_look(
    looks: list[tuple[set[str], bool]], named: bool
) -> None:
    sources = MidiSources(["hw:1", "soft:1"] if named else [])
    connected: set[str] = set()
    for there, moved in looks:
        connected &= there
        asked = ["hw:1", "soft:1"] if named else sorted(name for name in there if name.startswith("hw"))
        missing = sources.update(asked, there, connected, moved=moved)
        assert set(missing) <= there - connected
        connected |= set(missing)
        assert set(asked) & there <= connected
