"""A document: its code blocks with their marks, its words in code, its links, headings and tables."""
import glob
import os
import re

from markdown_it import MarkdownIt

MARK = re.compile(r"<!-- test: (.*?) -->\s*$", re.DOTALL)
PARSER = MarkdownIt("commonmark").enable("table")
# What every user reads, and what is executed.
EXECUTED = ["README.md", "docs/*.md", "bindings/*/README.md", "examples/*/README.md"]


class Block:
    """A fenced code block; an indented one has no info string."""

    def __init__(self, document, token, mark, before):
        self.document = document
        self.info = token.info.strip()
        self.text = token.content
        self.line = token.map[0] + 1
        self.mark = mark
        #: The block before it, if they stand in one section.
        self.before = before

    @property
    def first_line(self):
        return next((line.strip() for line in self.text.splitlines() if line.strip()), "")

    @property
    def name(self):
        """Stays the same when the document grows above it."""
        return f"{self.document.path} {self.info or 'no info string'}: {self.first_line[:60]}"

    def marked(self, word):
        """What follows `word` in the mark; None without it."""
        return self.mark[len(word):].strip() if self.mark.split(" ")[0] == word else None


class Document:
    def __init__(self, root, path):
        self.root, self.path = root, path
        with open(os.path.join(root, path), encoding="utf-8") as file:
            self.text = file.read()
        self.parse()

    def parse(self):
        self.tokens = PARSER.parse(self.text)

    def blocks(self):
        found, mark, before = [], "", None
        for token in self.tokens:
            if token.type in ("fence", "code_block"):
                found.append(Block(self, token, mark, before))
                before = found[-1]
            if token.type == "heading_open":
                before = None
            match = MARK.match(token.content) if token.type == "html_block" else None
            mark = " ".join(match[1].split()) if match else ""
        return found

    def inline(self):
        """The tokens inside of texts, each with its line."""
        for token in self.tokens:
            for child in token.children or []:
                yield (token.map[0] + 1 if token.map else 0), child

    def code(self):
        """(line, words in code) in running text and tables."""
        return [(line, child.content) for line, child in self.inline() if child.type == "code_inline"]

    def links(self):
        """(line, address)"""
        addresses = {"link_open": "href", "image": "src"}
        return [(line, child.attrs[addresses[child.type]]) for line, child in self.inline() if child.type in addresses]

    def headings(self):
        pairs = zip(self.tokens, self.tokens[1:])
        return [text for opened, text in pairs if opened.type == "heading_open"]

    def anchors(self):
        """As the hosts of repositories make them: lower case, without punctuation, blanks as hyphens, numbered when repeated."""
        found = {}
        for heading in self.headings():
            text = "".join(child.content for child in heading.children if child.type in ("text", "code_inline"))
            slug = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
            count = found.setdefault(slug, 0)
            found[slug] += 1
            if count:
                found[f"{slug}-{count}"] = 1
        found.update({name: 1 for name in re.findall(r'<a (?:id|name)="([^"]+)"', self.text)})
        return set(found)

    def rows(self):
        """Each row of each table, as a list of its cells' inline tokens; heads are left out."""
        row, in_head = None, False
        for token in self.tokens:
            if token.type in ("thead_open", "thead_close"):
                in_head = token.type == "thead_open"
            elif token.type == "tr_open":
                row = []
            elif token.type == "inline" and row is not None:
                row.append(token)
            elif token.type == "tr_close":
                if not in_head:
                    yield row
                row = None


def executed(root):
    return [Document(root, os.path.relpath(path, root)) for pattern in EXECUTED for path in sorted(glob.glob(os.path.join(root, pattern)))]


def every(root):
    """Every Markdown file of the project."""
    found = []
    for directory, names, files in os.walk(root):
        names[:] = sorted(name for name in names if not name.startswith(".") and os.path.join(directory, name) != os.path.join(root, "build"))
        found += [os.path.join(directory, file) for file in files if file.endswith(".md")]
    return [Document(root, os.path.relpath(path, root)) for path in sorted(found)]
