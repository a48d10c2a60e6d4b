"""The dashboard, its charting library, and the description of the API."""

from pathlib import Path

import plotly
from fastapi import APIRouter
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import FileResponse, HTMLResponse

WEB = Path(__file__).parents[1] / "web"
PLOTLY = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"

router = APIRouter(include_in_schema=False)


@router.get("/")
async def index() -> FileResponse:
    return FileResponse(WEB / "index.html")


@router.get("/sign-in")
async def sign_in() -> FileResponse:
    return FileResponse(WEB / "sign-in.html")


@router.get("/static/plotly.min.js")
async def charts() -> FileResponse:
    """The charting library, from its package; it changes only with the installation."""
    return FileResponse(PLOTLY, headers={"Cache-Control": "public, max-age=86400"})


@router.get("/docs")
async def docs() -> HTMLResponse:
    return get_swagger_ui_html(
        openapi_url="/openapi.json",
        title="API",
        swagger_js_url="/static/swagger/swagger-ui-bundle.js",
        swagger_css_url="/static/swagger/swagger-ui.css",
        swagger_favicon_url="/static/icon.svg",
    )
