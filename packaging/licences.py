"""What a package has to say of the libraries that it brings along, from what their wheels say of themselves.

In the form of debian/copyright: one paragraph a library.  Texts that Debian keeps in a place of their own are named.
"""

import re
from importlib.metadata import Distribution
from pathlib import PurePath

COMMON = {  # how a text begins: what Debian calls it
    r"\s*Apache License\s+Version 2\.0": "Apache-2.0",
    r"\s*GNU GENERAL PUBLIC LICENSE\s+Version 2": "GPL-2",
    r"\s*GNU GENERAL PUBLIC LICENSE\s+Version 3": "GPL-3",
    r"\s*GNU LESSER GENERAL PUBLIC LICENSE\s+Version 2\.1": "LGPL-2.1",
    r"\s*GNU LESSER GENERAL PUBLIC LICENSE\s+Version 3": "LGPL-3",
}
MIT = """\
Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
"""
WITHOUT_TEXT = {  # licences whose text a wheel may leave out
    "MIT": MIT,
    "LGPLv2+": "See /usr/share/common-licenses/LGPL-2.1.\n",
    "LGPLv3": "See /usr/share/common-licenses/LGPL-3.\n",
}


def paragraph(wheel: Distribution) -> str:
    """That of one library.

    Raises:
        ValueError: its wheel has neither the text of its licence nor the name of one that is known.
    """
    about = wheel.metadata
    names = [about[key] for key in ("License-Expression", "License") if about.get(key)]
    name = names[0].splitlines()[0] if names else "see-below"
    texts = [
        _short(text)
        for file in wheel.files or []
        if re.match(r"LICEN[CS]E|COPYING", PurePath(file).name) and ".dist-info" in str(file)
        if (text := wheel.read_text(str(PurePath(file).relative_to(PurePath(file).parts[0]))))
    ]
    if not (texts := texts or [WITHOUT_TEXT[name]] if name in WITHOUT_TEXT else texts):
        raise ValueError(f"the wheel of {about['Name']} does not say under which licence it is ({name})")
    notices = [
        line.strip() for text in texts for line in text.splitlines() if re.match(r"\s*Copyright (\(|©|\d)", line)
    ]
    author = about.get("Author") or about.get("Author-email", "").partition("<")[0].strip()
    whose = list(dict.fromkeys(notices)) or [author or f"the authors of {about['Name']}"]
    return (
        f"\nFiles: wheels/{re.sub('[-.]', '?', about['Name'])}-*\n"
        f"Copyright: {_indented(chr(10).join(whose)).lstrip()}"
        f"License: {re.sub(' OR ', ' or ', name)}\n" + "".join(_indented(_short(text)) for text in texts)
    )


def _short(text: str) -> str:
    for beginning, known in COMMON.items():
        if re.match(beginning, text):
            return f"The complete text is in /usr/share/common-licenses/{known}.\n"
    return text


def _indented(text: str) -> str:
    return "".join(f" {line.rstrip() or '.'}\n" for line in text.expandtabs().strip("\n").splitlines())
