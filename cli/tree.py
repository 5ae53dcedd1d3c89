"""A deployment as a tree: the stack, its components, their resources."""

from collections import Counter, defaultdict
from collections.abc import Sequence

from rich.text import Text
from rich.tree import Tree

from engine.program import Deployment, Registration
from engine.urns import STACK_TYPE


def resource_tree(deployment: Deployment) -> Tree:
    """Every resource below its parent, in the order of the program."""
    children = _by_parent(deployment.registrations)
    root = next(item for item in deployment.registrations if item.type == STACK_TYPE)
    tree = Tree(Text(root.name, "bold"))

    def grow(branch: Tree, urn: str) -> None:
        for child in children[urn]:
            label = Text.assemble((child.name, "bold" if not child.custom else ""), "  ", (child.type, "dim"))
            if child.protect:
                label.append("  protected", "yellow")
            grow(branch.add(label), child.urn)

    grow(tree, root.urn)
    return tree


def component_tree(deployment: Deployment) -> Tree:
    """The components with how many AWS resources each made and how long their creation took in all."""
    children = _by_parent(deployment.registrations)
    root = next(item for item in deployment.registrations if item.type == STACK_TYPE)

    def below(urn: str) -> list[Registration]:
        found: list[Registration] = []
        for child in children[urn]:
            found += [child] if child.custom else []
            found += below(child.urn)
        return found

    everything = below(root.urn)
    tree = Tree(Text.assemble((root.name, "bold"), f"  {_summary(everything)}"))
    for child in children[root.urn]:
        if child.custom:
            continue
        resources = below(child.urn)
        kinds = Counter(item.type.rsplit(":", 1)[-1] for item in resources)
        detail = ", ".join(name if count == 1 else f"{count} {name}" for name, count in kinds.most_common())
        kind = child.type.rsplit(":", 1)[-1]
        tree.add(Text.assemble((kind, "bold"), f" {child.name}  {_summary(resources)}\n", (detail, "dim")))
    return tree


def _summary(resources: Sequence[Registration]) -> str:
    return f"{len(resources)} resources, {sum(item.seconds for item in resources):.1f} s"


def _by_parent(registrations: Sequence[Registration]) -> dict[str, list[Registration]]:
    children: dict[str, list[Registration]] = defaultdict(list)
    for registration in registrations:
        children[registration.parent].append(registration)
    return children
