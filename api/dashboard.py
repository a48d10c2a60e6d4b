"""The pages: the dashboard with its charting library, signing in, keys and people, the API's description."""

from pathlib import Path

import plotly
from fastapi import APIRouter
from fastapi.responses import FileResponse

WEB = Path(__file__).parents[1] / "web"
PLOTLY = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"

router = APIRouter(include_in_schema=False)


@router.get("/")
async def index() -> FileResponse:
    return FileResponse(WEB / "index.html")


@router.get("/sign-in")
async def sign_in() -> FileResponse:
    return FileResponse(WEB / "sign-in.html")


@router.get("/admin")
async def admin() -> FileResponse:
    """Keys, people, grants and the audit trail. It holds nothing of them until an admin asks for it."""
    return FileResponse(WEB / "admin.html")


@router.get("/static/plotly.min.js")
async def charts() -> FileResponse:
    """The charting library, from its package; it changes only with the installation."""
    return FileResponse(PLOTLY, headers={"Cache-Control": "public, max-age=86400"})


@router.get("/docs")
async def docs() -> FileResponse:
    return FileResponse(WEB / "docs.html")
