"""The engagement actions that there are, by name; docs/enrichment.md says what each is. Light to import."""

from typing import Final

# fmt: off
ACTIONS: Final = frozenset((
    "apology", "churn_intent", "complaint", "custom_request", "free_media", "gif", "greeting", "mass_message",
    "photo", "ppv_offer", "price_inquiry", "price_objection", "question", "re_engagement", "thanks", "tip",
    "upsell", "video", "voice",
))
# fmt: on
