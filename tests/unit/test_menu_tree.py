"""A pystray menu becomes numbered lines."""

from tsunagu_tray.icon import Menu, MenuItem
from tsunagu_tray.menu_tree import ROOT, MenuTree


def menu(first: str = "Connect", *, enabled: bool = True) -> Menu:
    return Menu(
        MenuItem(first, None, default=True, enabled=enabled),
        Menu.SEPARATOR,
        MenuItem("Home", Menu(MenuItem("Details", None), MenuItem("Connect", None))),
        MenuItem("Hidden", None, visible=False),
        MenuItem("Automatic", None, checked=lambda _: True),
        MenuItem("One", None, checked=lambda _: False, radio=True),
    )


def numbers(tree: MenuTree) -> dict[str, int]:
    return {line.label: line.id for line in tree.root.children}


def test_a_menu_has_its_lines_in_order_and_without_the_hidden_ones() -> None:
    tree = MenuTree()
    tree.update(menu())

    connect, separator, home, automatic, one = tree.root.children
    assert (connect.label, connect.default, connect.checked) == ("Connect", True, None)
    assert separator.separator
    assert [line.label for line in home.children] == ["Details", "Connect"]
    assert (automatic.checked, automatic.radio) == (True, False)
    assert (one.checked, one.radio) == (False, True)


def test_every_line_has_a_number_of_its_own() -> None:
    tree = MenuTree()
    tree.update(Menu(*(MenuItem("Same", None) for _ in range(3)), MenuItem("Same", menu())))

    assert len(tree.lines) == len(list(tree.root.walk())) == 12
    assert ROOT not in tree.items


def test_the_same_menu_again_changes_nothing() -> None:
    tree = MenuTree()
    tree.update(menu())

    assert tree.update(menu()) == []


def test_a_line_that_turns_grey_keeps_its_place_and_number() -> None:
    tree = MenuTree()
    tree.update(menu())
    before = numbers(tree)

    changed = tree.update(menu(enabled=False))

    assert changed is not None
    assert [(line.label, line.enabled) for line in changed] == [("Connect", False)]
    assert numbers(tree) == before


def test_a_line_with_another_label_is_another_line() -> None:
    tree = MenuTree()
    tree.update(menu("Connect"))
    before = numbers(tree)

    assert tree.update(menu("Disconnect")) is None
    assert before["Connect"] not in tree.items
    assert numbers(tree)["Home"] == before["Home"]


def test_a_number_is_never_used_again() -> None:
    tree = MenuTree()
    used: set[int] = set()
    for label in ("Connect", "Disconnect") * 3:
        tree.update(menu(label))
        number = numbers(tree)[label]
        assert number not in used
        used.add(number)


def test_no_menu_is_an_empty_one() -> None:
    tree = MenuTree()
    tree.update(menu())

    assert tree.update(None) is None
    assert tree.root.children == ()
