"""Every relative link leads to a file, every anchor to a heading."""
import functools
import os
import urllib.parse

from document import Document, every
from suite import Test, check


@functools.cache
def anchors(root, path):
    return Document(root, path).anchors()


def problem(root, document, address):
    """What is wrong with a link; None: nothing."""
    parts = urllib.parse.urlsplit(address)
    if parts.scheme or parts.netloc:
        return None
    path = document.path
    if parts.path:
        path = os.path.normpath(os.path.join(os.path.dirname(path), urllib.parse.unquote(parts.path)))
        if path.startswith("..") or not os.path.exists(os.path.join(root, path)):
            return "there is no such file"
    if parts.fragment and path.endswith(".md") and parts.fragment not in anchors(root, path):
        return f"{path} has no such heading"
    return None


def tests(worlds):
    def links(document):
        def body(_):
            wrong = [f"{document.path}:{line}: {address}: {problem(worlds.root, document, address)}"
                     for line, address in document.links() if problem(worlds.root, document, address)]
            check(not wrong, "\n".join(wrong))
        return Test(f"links/{document.path}", "I", "every relative link and anchor exists", body)
    return [links(document) for document in every(worlds.root) if document.links()]
