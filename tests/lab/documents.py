#!/usr/bin/python3
"""documents.py COMMAND...: what the documents in doc/ say, so that a test can use it or compare it.

  block DOCUMENT NAME       the configuration behind the line <!-- tried: NAME --> in a document, as it stands there
  table DOCUMENT NAME       the rows of the table behind that line, without its head; white space at cells' edges left out
It owns: nothing. It must never pass over a block that is not there: exit status 1.
"""
import re
import sys


def behind(document, name):
    text = open(document, encoding="utf-8").read()
    start = text.find("<!-- tried: %s -->\n" % name)
    if start < 0:
        sys.exit("documents.py: %s has no block <!-- tried: %s -->" % (document, name))
    return text[start:].split("\n", 1)[1].lstrip("\n")


def block(document, name):
    fenced = re.match(r"```[^\n]*\n(.*?)^```$", behind(document, name), re.S | re.M)
    if not fenced:
        sys.exit("documents.py: %s: no ``` block behind <!-- tried: %s -->" % (document, name))
    return fenced.group(1)


def table(document, name):
    lines = re.match(r"(?:\|[^\n]*\n)*", behind(document, name)).group(0).splitlines()
    if len(lines) < 3:
        sys.exit("documents.py: %s: no table behind <!-- tried: %s -->" % (document, name))
    return [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in lines[2:]]


def main():
    if len(sys.argv) != 4 or sys.argv[1] not in ("block", "table"):
        sys.exit(__doc__)
    if sys.argv[1] == "block":
        sys.stdout.write(block(*sys.argv[2:]))
    else:
        for row in table(*sys.argv[2:]):
            print("| " + " | ".join(row) + " |")


if __name__ == "__main__":
    main()
