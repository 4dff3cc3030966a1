"""Label selectors: which labels they take."""

from tapio.unified import objects as k8s


def selected(selector: k8s.LabelSelector | None, labels: dict[str, str]) -> bool:
    """Whether a selector takes the labels; one that is empty, or not there, takes all."""
    if selector is None:
        return True
    return selector.match_labels.items() <= labels.items() and all(
        _meets(one, labels.get(one.key)) for one in selector.match_expressions
    )


def _meets(requirement: k8s.LabelSelectorRequirement, value: str | None) -> bool:
    match requirement.operator:
        case "In":
            return value in requirement.values
        case "NotIn":
            return value not in requirement.values
        case "Exists":
            return value is not None
    return value is None
