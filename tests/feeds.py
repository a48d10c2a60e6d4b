"""Feeds as real clients send them: copies of a few chats in any order and split, repeated and in part."""

from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from tests.oracle import CREATOR, NOW, Call, Raw

SENDERS = (None, "anna", "bob@team.example", 7)
START = 1_714_550_400  # 2024-05-01T08:00:00Z
MINUTES = (0, 1, 4, 10, 12, 60, 300, 361, 370, 700, 1080, 1440, 2000, 2360, 2880)
KINDS = (
    *("fan", "fan", "fan", "creator", "creator", "mass", "queued", "queued beside", "tip", "tip sentence"),
    *("foreign tip", "sale", "offer", "offer", "mass offer", "free offer", "closer", "media"),
)
Row = tuple[Raw, str | None]  # a message, and the chat that its page names


def iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()


@st.composite
def feeds(draw: st.DrawFn, *, odd: bool = False) -> list[Call]:
    """Every copy of every message of a few chats, some repeated, in any order and split in any calls.

    With `odd` also what means another thing in another order or split.
    """
    rows: list[Row] = []
    chats: list[Raw] = []
    for fan in range(41, 41 + draw(st.integers(1, 2))):
        own, listed = _chat(draw, fan, odd=odd)
        rows += own
        chats += listed
    rows += draw(st.lists(st.sampled_from(_JUNK), max_size=2))
    # Of two calls that say different senders the first one counts, so all say the same.
    return draw(splits(rows, chats, draw(st.sampled_from((None, "erin")))))


@st.composite
def splits(draw: st.DrawFn, rows: list[Row], chats: list[Raw], sender: str | None = None) -> list[Call]:
    """The same in other calls: in any order, and some of it twice; all of them say it was the `sender`."""
    count = draw(st.integers(1, 6))
    numbers = st.lists(st.tuples(st.integers(1, count), st.booleans()), min_size=1, max_size=2)
    calls: defaultdict[tuple[int, str | None, bool], Call] = defaultdict(lambda: Call(sender=sender))
    for chat in draw(st.permutations(chats)):
        for number, _ in draw(numbers):
            call = calls[number, None, False]
            call.chats = [*(call.chats or []), chat]
    for row, page in draw(st.permutations(rows)):
        for number, live in draw(numbers):
            # What the page itself sent has no time but now: it comes live.
            is_live = live or str(row.get("id", "")).startswith("msg_")
            call = calls[number, page, is_live]
            call.chat_id = page
            call.chats = call.chats if is_live else call.chats or []
            call.messages.append(row)
    return [calls[key] for key in draw(st.permutations(sorted(calls, key=repr)))]


def _chat(draw: st.DrawFn, fan: int, *, odd: bool) -> tuple[list[Row], list[Raw]]:
    own_id = f"c{fan}" if draw(st.booleans()) else None
    rows: list[Row] = []
    fulls: list[Raw] = []
    for number in range(draw(st.integers(1, 5))):
        full, copies = _message(draw, fan, own_id, number)
        fulls.append(full)
        rows += copies
    rows += _notifications(draw, fan)
    listed = _listed(draw, fan, own_id, fulls)
    if odd:
        counts = draw(st.lists(st.integers(0, 3), max_size=2))
        listed += [{"withUser": {"id": fan}, "unreadMessagesCount": count} for count in counts]
        listed = draw(st.lists(st.sampled_from(listed), max_size=3)) if listed else []
        account = {"id": fan, "name": "Robin", "subscribedOnData": {"totalSumm": 99}}
        rows += [({**full, "fromUser": account}, None) for full in fulls if "toUser" not in full][:1]
    return rows, listed


def _listed(draw: st.DrawFn, fan: int, own_id: str | None, fulls: list[Raw]) -> list[Raw]:
    """Rows of chat lists, thin and full; all agree on what they say."""
    name = {"id": own_id} if own_id else {}
    renewals = [{"startDate": iso(START - 86_400 * n), "price": 9} for n in (70, 40, 10)]
    data: Raw = {"subscribeAt": iso(START - 86_400 * 70), "totalSumm": 30, "expiredAt": iso(NOW + 86_400)}
    if draw(st.booleans()):
        data["subscribes"] = renewals
    full = {"id": fan, "name": "Robin", "subscribedOnData": data}
    can_send = draw(st.sampled_from((None, None, True, False)))
    rows: list[Raw] = [{**name, "withUser": {"id": fan}}] if own_id else []
    for shape in draw(st.lists(st.sampled_from(("thin", "full", "said", "counted")), max_size=3)):
        row: Raw = {**name, "withUser": full if shape == "full" else {"id": fan}}
        if shape == "said" and can_send is not None:
            row["canSendMessage"] = can_send
        if shape == "counted":
            last = draw(st.integers(0, len(fulls) - 1))
            at = datetime.fromisoformat(fulls[last]["createdAt"]).timestamp()
            row |= {"lastMessage": fulls[last], "unreadMessagesCount": int(at // 60 % 4)}
        rows.append(row)
    return rows


def _message(draw: st.DrawFn, fan: int, own_id: str | None, number: int) -> tuple[Raw, list[Row]]:
    """A full copy, and all that are sent."""
    kind = draw(st.sampled_from(KINDS))
    at = START + 60 * draw(st.sampled_from(MINUTES)) + number
    is_unique = draw(st.booleans())
    id: Any = (fan - 40) * 100 + number if is_unique else f"m{number}"
    chat: Raw = {} if is_unique else {"chat_id": draw(st.sampled_from((own_id or str(fan), str(fan))))}
    by_fan = kind in ("fan", "tip", "tip sentence", "foreign tip", "closer", "media", "queued beside")
    sides: Raw = {"fromUser": {"id": fan}} if by_fan else {"fromUser": {"id": CREATOR}, "toUser": {"id": fan}}
    full: Raw = {"id": id, **chat, **sides, "createdAt": iso(at), "text": f"<p>hello {fan} {number}</p>"}
    full |= {"isTip": False, "isFromQueue": False} | _OF_KIND.get(kind, {})
    if kind == "queued":
        del full["isFromQueue"]
    if draw(st.booleans()):
        full["changedAt"] = iso(at)
    if not by_fan and (sender := draw(st.sampled_from(SENDERS))) is not None:
        full["senderId"] = sender
    rows: list[Row] = [(full, None)]
    name = {"id": id, **chat}
    is_sentence = kind in ("tip sentence", "foreign tip", "sale")  # nobody edits what the platform says

    for extra in draw(st.lists(st.sampled_from(_EXTRAS), max_size=3, unique=True)):
        match extra:
            case "repeated as text":
                rows.append(({**full, "id": str(id)}, None))
            case "wrapped":
                rows.append(({"api2_chat_message": full}, None))
            case "thin":
                kept = ("id", "chat_id", "fromUser", "toUser", "createdAt", "text", "queueId")
                rows.append(({key: full[key] for key in kept if key in full}, None))
            case "page" if not by_fan:
                page = {key: value for key, value in full.items() if key not in ("toUser", "chat_id")}
                rows.append((page, own_id or str(fan)))
            case "edit" if not is_sentence:
                rows.append(({**full, "text": "<p>edited</p>", "changedAt": iso(at + 3600)}, None))
            case "edit without a time" if not is_sentence:
                edit = {**full, "text": "<p>edited again</p>", "changedAt": iso(at + 7200)}
                del edit["createdAt"]
                rows.append((edit, None))
            case "partial edit" if not is_sentence:
                rows.append(({**name, "text": "edited late", "changedAt": iso(at + 9000)}, None))
            case "sender told late" if not by_fan:
                rows.append(({**name, "senderId": "cleo", "changedAt": iso(at + 9300)}, None))
            case "moved":
                rows.append(({**name, "createdAt": iso(at + 300), "changedAt": iso(at + 9600)}, None))
            case "deleted":
                rows.append(({**name, "isDeleted": True}, None))
            case "deleted at once":
                rows.append(({**full, "isDeleted": True}, None))
            case "cancelled":
                rows.append(({**name, "isCanceled": True}, None))
            case "opened":
                rows.append(({**full, "isOpened": True}, None))
            case "opened later":
                rows.append(({**full, "isOpened": True, "changedAt": iso(at + 5400)}, None))
            case "opened alone":
                rows.append(({**name, "isOpened": True}, None))
            case "paid" if "price" in full:
                rows += _paid(draw, fan, id, at, is_unique=is_unique)
            case "captured" if kind == "creator":
                full |= {"createdAt": iso(NOW - 30)}
                rows = [(full, None)]
                sent = {"id": f"msg_{NOW}000_{number}", "text": full["text"], "chat_id": str(fan)}
                if draw(st.booleans()):
                    sent["senderId"] = "dora"
                rows.append((sent, None))
                break
    return full, rows


def _paid(draw: st.DrawFn, fan: int, id: Any, at: int, *, is_unique: bool) -> list[Row]:
    told: Raw = {"type": "paided_message", "user_id": CREATOR, "createdAt": iso(at + 4000)}
    told["text"] = f'Message bought for $20 <a href="/my/chats/chat/{fan}?firstId={id}">see</a>'
    shape = draw(st.sampled_from(("linked", "bare", "entity")))
    if shape == "entity" and is_unique:
        told |= {"text": "bought for $20", "entityId": id, "entityType": "message"}
    if shape == "bare":
        return [({"id": "n1", **told}, None)]
    return [({"new_message": told, "id": f"msg_{NOW}000_7"}, None), ({"new_message": told}, None)]


def _notifications(draw: st.DrawFn, fan: int) -> list[Row]:
    rows: list[Row] = []
    for n in draw(st.lists(st.integers(0, 3), max_size=2, unique=True)):
        told: Raw = {"user": {"id": fan}, "user_id": CREATOR, "createdAt": iso(START + 60 * n)}
        told |= {"type": "tip", "text": "Robin tipped $7"} if n < 3 else {"type": "renewed", "text": "for $9"}
        rows += [({"new_message": told}, None), ({"new_message": told, "id": f"msg_{NOW}000_{n}"}, None)]
    return rows


_OF_KIND: dict[str, Raw] = {
    "mass": {"isFromQueue": True, "queueId": 7},
    "queued": {"queueId": 7},
    "queued beside": {"queueId": 7},
    "tip": {"isTip": True, "tipAmount": 7},
    "tip sentence": {"text": "<p>I sent you a $7.00 tip ♥</p>", "isTip": True},
    "foreign tip": {"text": "<p>Te envié una propina de $7.00 ♥</p>", "isTip": True},
    "sale": {"text": "purchased for $25.00"},
    "offer": {"price": 25, "isOpened": False},
    "mass offer": {"price": 25, "isFromQueue": True, "queueId": 7},
    "free offer": {"price": 25, "isFree": True},
    "closer": {"text": "<p>thanks, good night</p>"},
    "media": {"text": None, "media": [{"type": "photo"}]},
}
_EXTRAS = (
    *("repeated as text", "wrapped", "thin", "page", "edit", "edit without a time", "partial edit"),
    *("moved", "sender told late"),
    *(
        "deleted",
        "deleted at once",
        "cancelled",
        "opened",
        "opened later",
        "opened alone",
        "paid",
        "captured",
    ),
)
_JUNK: tuple[Row, ...] = (
    ({"id": f"msg_{NOW}000_1", "previews": [], "typing": {"id": 41}}, None),
    ({"id": f"msg_{NOW}000_2", "previews": [], "chat_messages": 3}, None),
)
