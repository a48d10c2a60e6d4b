"""What is known of one fan of one creator: the state behind the inbox order. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FanState:
    """A fan as the chat with one creator shows them. Times are epoch seconds, sentiment 0..1."""

    fan_id: str
    creator_id: str
    chat_id: str
    join_date: float | None  # subscribed at, else the first message
    spend: float  # the larger of the known outcomes' amounts and the platform's lifetime total
    unread: int
    waiting_since: float | None  # the unanswered fan run's first message; None: nobody waits
    recent_sentiment: float | None  # mean over the last 10 fan messages that have one
    sentiment_profile: float | None  # mean over all fan messages that have one
    last_message_at: float | None
    not_waiting: str | None = None  # why nobody waits although the fan has the last word
    subscription_end: float | None = None  # past or future, as the platform last stated it
    said: "FanState | None" = None  # without corrections, where something of the chat was ever corrected
