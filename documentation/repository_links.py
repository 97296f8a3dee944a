"""A mkdocs hook: links from docs/ to other files of the repository.

mkdocs knows only the files below docs/. A link to another file of the repository must lead to a
file or folder that exists; it points to the file on the forge if `repo_url` is set, and becomes
plain text otherwise.
"""

import logging
import os
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
LINK = re.compile(
    r"(?<!!)\[(?P<text>[^\]]*)\]\((?P<path>(?:\.\./)+[^)#\s]+)(?P<anchor>#[^)\s]*)?\)"
)

# mkdocs --strict fails at warnings of its own loggers and of what is below them.
log = logging.getLogger("mkdocs.hooks.repository_links")


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Replace the links of a page that lead out of docs/."""
    docs = Path(config.docs_dir)

    def replaced(link: re.Match[str]) -> str:
        target = (docs / page.file.src_uri).parent.joinpath(link["path"]).resolve()
        if target.is_relative_to(docs):
            return link[0]
        if not target.exists():
            log.warning("%s links to %s, which does not exist", page.file.src_uri, link["path"])
        if not config.repo_url:
            return link["text"]
        path = target.relative_to(ROOT).as_posix()
        url = f"{config.repo_url.rstrip('/')}/blob/main/{path}{link['anchor'] or ''}"
        return f"[{link['text']}]({url})"

    return LINK.sub(replaced, markdown)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Set `repo_url` from GitHub's environment."""
    server, repository = os.environ.get("GITHUB_SERVER_URL"), os.environ.get("GITHUB_REPOSITORY")
    if server and repository and not config.repo_url:
        config.repo_url = f"{server}/{repository}"
    return config
