"""The taxonomy: what ships, what may be given, and files that are none."""

from pathlib import Path

import pytest

from hashsvc.bank.taxonomy import Label, Taxonomy
from hashsvc.errors import InvalidInputError

ONE = '[[labels]]\nlabel = "a"\ntitle = "A"\n'


def test_what_ships() -> None:
    """GIFCT's wording: what it no longer calls an incident is there to be read, and replaced."""
    shipped = Taxonomy.load()
    labels = {one.label: one for one in shipped.labels}
    assert shipped.version.startswith("gifct-")
    assert labels["perpetrator-produced-content"].current
    assert labels["perpetrator-content-incident"].current
    for retired in ("content-incident-protocol", "content-incident"):
        assert not labels[retired].current
        assert labels[retired].replaced_by == "perpetrator-content-incident"


def test_another_file(tmp_path: Path) -> None:
    """Whatever a configuration names, retired labels included."""
    file = tmp_path / "ours.toml"
    file.write_text(
        f'version = "ours-2"\n{ONE}[[labels]]\nlabel = "é"\ntitle = "É"\ncurrent = false\nreplaced_by = "a"\n'
    )
    expected = (Label(label="a", title="A"), Label(label="é", title="É", current=False, replaced_by="a"))
    assert Taxonomy.load(str(file)) == Taxonomy(version="ours-2", labels=expected)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ONE,
        'version = "1"\n',
        'version = "1"\nlabels = []\n',
        'version = "1"\nlabels = 7\n',
        f'version = ""\n{ONE}',
        f"version = 1\n{ONE}",
        f'version = "1"\nname = "x"\n{ONE}',
        f'version = "1"\n{ONE}{ONE}',
        f'version = "1"\n{ONE}colour = "red"\n',
        'version = "1"\n[[labels]]\nlabel = "a"\n',
        'version = "1"\n[[labels]]\nlabel = "a,b"\ntitle = "A"\n',
        'version = "1"\n[[labels]]\nlabel = " "\ntitle = "A"\n',
        f'version = "1"\n{ONE}current = "no"\n',
        f'version = "1"\n{ONE}replaced_by = "a"\n',
        f'version = "1"\n{ONE}current = false\nreplaced_by = "b"\n',
        f'version = "{"x" * 65}"\n{ONE}',
        'version = "1"\n' + "".join(f'[[labels]]\nlabel = "{one}"\ntitle = "A"\n' for one in range(1001)),
    ],
)
def test_no_taxonomy(tmp_path: Path, text: str) -> None:
    """It is refused as a configuration, and names the file."""
    file = tmp_path / "bad.toml"
    file.write_text(text)
    with pytest.raises(InvalidInputError) as caught:
        Taxonomy.load(str(file))
    assert caught.value.reason == "CONFIG_INVALID"
    assert str(file) in caught.value.message


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """It does not fall back to the one that ships."""
    with pytest.raises(InvalidInputError) as caught:
        Taxonomy.load(str(tmp_path / "none.toml"))
    assert caught.value.reason == "CONFIG_INVALID"


def test_check() -> None:
    """Current labels may be given, retired ones may stay, others neither; the answer says what to give instead."""
    shipped = Taxonomy.load()
    shipped.check(["perpetrator-produced-content", "perpetrator-content-incident"])
    shipped.check(["content-incident-protocol", "free"], kept=("free", "content-incident-protocol"))
    shipped.check([])
    with pytest.raises(InvalidInputError) as unknown:
        shipped.check(["perpetrator-produced-content", "gore"])
    assert (unknown.value.reason, unknown.value.metadata["label"]) == ("LABEL_UNKNOWN", "gore")
    with pytest.raises(InvalidInputError) as retired:
        shipped.check(["content-incident-protocol"])
    assert retired.value.reason == "LABEL_RETIRED"
    assert retired.value.metadata["replaced_by"] == "perpetrator-content-incident"
