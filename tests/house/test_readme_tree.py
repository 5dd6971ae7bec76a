"""The tree that the README shows is the tree that there is."""

import re

import pytest

from tests.house.test_house import ROOT, ours

README = ROOT / "README.md"
FENCE = re.compile(r"^```\w*\n(?P<tree>[^`]*?(?:├──|└──)[^`]*?)^```", re.MULTILINE)
BRANCH = re.compile(r"^(?P<stem>[│ \u00a0]*)(?:├──|└──) (?P<name>[\w.@-]+/?)")
UNSAID = {"__init__.py", "__main__.py", "py.typed"}


def drawn(tree):
    """Return {folder: names of what is drawn in it} of a tree; the first line is its root."""
    lines = tree.splitlines()
    root = lines[0].split()[0].strip("./") if lines and not BRANCH.match(lines[0]) else ""
    path, found = [root] if root else [], {}
    depth0 = len(path)
    for line in lines:
        match = BRANCH.match(line)
        if not match:
            continue
        depth = depth0 + len(match["stem"]) // 4
        path[depth:] = [match["name"].strip("/")]
        found.setdefault("/".join(path[:-1]), set()).add(path[-1])
    return found


def real(folder):
    """Return what is in *folder*, but for what every folder has."""
    place = ROOT / folder
    parts = [path.relative_to(place).parts for path in ours() if path.is_relative_to(place)]
    return {part[0] for part in parts if part and not part[0].startswith(".")} - UNSAID


def test_a_drawn_tree_is_read_as_it_is_meant():
    tree = "capd/\n├── api.py      HTTP\n└── notify/     tell\n    └── email.py   mail\n"
    assert drawn(tree) == {"capd": {"api.py", "notify"}, "capd/notify": {"email.py"}}


def test_the_tree_of_the_readme_is_the_tree():
    match = FENCE.search(README.read_text()) if README.is_file() else None
    if match is None:
        pytest.skip("the README draws no tree")
    for folder, names in drawn(match["tree"]).items():
        assert (ROOT / folder).is_dir(), folder
        assert names - UNSAID == real(folder), folder
