"""The baseline of ingest: a Serve application of one route that answers a body with itself.

`python -m bench.echo RAY_ADDRESS` deploys it beside the service with the same options.
"""

import logging
import sys

import ray
from fastapi import FastAPI, Request, Response
from ray import serve

from deployment import LOGGING, MAX_ONGOING

ECHO = "/bench/echo"

api = FastAPI()


@api.post("/echo")
async def echo(request: Request) -> Response:
    return Response(await request.body(), media_type="application/json", status_code=202)


@serve.deployment(
    name="echo",
    max_ongoing_requests=MAX_ONGOING,
    ray_actor_options={"num_cpus": 0},
    logging_config=LOGGING,
)
@serve.ingress(api)
class Echo:
    pass


def main() -> None:
    ray.init(address=sys.argv[1], namespace="analytics", log_to_driver=False, logging_level=logging.ERROR)
    logging.getLogger("ray.serve").setLevel(logging.WARNING)
    serve.run(Echo.bind(), name="bench", route_prefix="/bench")  # type: ignore[attr-defined]
    ray.shutdown()


if __name__ == "__main__":
    main()
