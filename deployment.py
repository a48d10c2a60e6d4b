"""The one deployment of Ray Serve. Who deploys it loads nothing of the application: its replica does."""

from typing import TYPE_CHECKING

from ray import serve

from remote import stays
from settings import Settings

if TYPE_CHECKING:
    from fastapi import FastAPI

# Sockets count as ongoing requests; beyond the limit handshakes would hang rather than fail.
MAX_ONGOING = 20_000
# Serve makes a record of each request also where it writes none, unless its level is above that.
LOGGING = {"enable_access_log": False, "log_level": "WARNING"}


def build_app(settings: Settings) -> serve.Application:
    """The Serve application: one deployment, the FastAPI ingress, which each replica makes for itself."""

    def made() -> "FastAPI":
        from serve_app import build_api

        return build_api(settings)

    @serve.deployment(
        name="api",
        max_ongoing_requests=MAX_ONGOING,
        ray_actor_options={"num_cpus": 0, "resources": stays()},
        logging_config=LOGGING,
    )
    @serve.ingress(made)
    class Api:
        def __init__(self) -> None:
            from api.sockets.protocol import configure_uvicorn

            configure_uvicorn(settings.max_body)

    return Api.bind()  # type: ignore[attr-defined, no-any-return]
