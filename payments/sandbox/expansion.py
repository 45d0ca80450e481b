"""The `expand` parameter: ids replaced by the objects they name."""

from collections.abc import Callable, Iterable

from payments.sandbox.errors import InvalidParameter
from payments.sandbox.models import Charge, PaymentIntent
from payments.sandbox.objects import Json, charge_json, payment_intent_json


def _payment_intent(stripe_id: str) -> Json:
    return payment_intent_json(
        PaymentIntent.objects.select_related("session").get(stripe_id=stripe_id)
    )


def _charge(stripe_id: str) -> Json:
    return charge_json(
        Charge.objects.select_related("payment_intent__session").get(stripe_id=stripe_id)
    )


_EXPANDABLE: dict[tuple[str, str], Callable[[str], Json]] = {
    ("checkout.session", "payment_intent"): _payment_intent,
    ("payment_intent", "latest_charge"): _charge,
    ("charge", "payment_intent"): _payment_intent,
    ("refund", "charge"): _charge,
    ("refund", "payment_intent"): _payment_intent,
    ("dispute", "charge"): _charge,
    ("dispute", "payment_intent"): _payment_intent,
}


def expand(answer: Json, paths: Iterable[str]) -> Json:
    """Expand every dotted path in an answer; refuse what cannot be expanded."""
    for path in paths:
        names = path.split(".")
        if answer["object"] == "list" and names[0] == "data":
            for item in answer["data"]:
                _expand_path(item, names[1:], path)
        else:
            _expand_path(answer, names, path)
    return answer


def _expand_path(node: Json, names: list[str], path: str) -> None:
    for name in names:
        find = _EXPANDABLE.get((node["object"], name))
        if find is None:
            raise InvalidParameter(f"This property cannot be expanded ({path}).", param="expand")
        if isinstance(node[name], str):
            node[name] = find(node[name])
        if node[name] is None:
            return
        node = node[name]
