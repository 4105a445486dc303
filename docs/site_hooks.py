"""What the site's build changes in the pages, which are written to be read on GitHub, too.

Links that leave docs/ become addresses of the repository, and comments are taken out: they are for tests/readme. The
reference of the commands is put in.
"""

from __future__ import annotations

import posixpath
import re

import command_reference
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page

BRANCH = "main"
COMMANDS = "<!-- site: commands -->\n"
COMMENT = re.compile(r"^ *<!--(?:(?!-->).)*-->\n", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(\]\()([^)\s#:]+)((?:#[^)\s]*)?\))")


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Return a page's text for the site."""
    folder = posixpath.dirname(f"docs/{page.file.src_uri}")

    def on_github(link: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join(folder, link[2]))
        known = files.get_file_from_path(path.removeprefix("docs/"))
        inside = path.startswith("docs/") and (known is None or known.inclusion.is_included())
        # What is wrong stays as it is, for the build to find.
        if inside or path.startswith(("/", "..")):
            return link[0]
        return f"{link[1]}{config.repo_url}/blob/{BRANCH}/{path}{link[3]}"

    if COMMANDS in markdown:
        markdown = markdown.replace(COMMANDS, command_reference.markdown())
    return LINK.sub(on_github, COMMENT.sub("", markdown))
