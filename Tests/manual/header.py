"""The functions of the header, read with the C preprocessor, independently of the generator."""
import os
import re
import subprocess

from manual import BUILD, check

HEADER = os.path.join(BUILD, "include/telemetry.h")


class Function:
    def __init__(self, name, parameters):
        self.name = name
        self.parameters = parameters
        self.comment = ""

    @property
    def returned(self):
        """What @return says, on one line; None: nothing."""
        match = re.search(r"@return (.*?)(?= @|$)", self.comment)
        return match and match[1]

    @property
    def documented(self):
        return re.findall(r"@param (\w+) (.*?)(?= @|$)", self.comment)

    @property
    def prose(self):
        return re.split(r" ?@(?:param|return|since) ", self.comment)[0]


def functions():
    """By name."""
    found = {}
    for prototype in prototypes():
        name, parameters = re.fullmatch(r".*?(telemetry_\w+) ?\((.*)\)", prototype).groups()
        found[name] = Function(name, [] if parameters == "void" else [p.split("*")[-1].split()[-1] for p in parameters.split(",")])
    check(len(found) >= 60, f"only {len(found)} functions")
    comments(found)
    return found


def prototypes():
    """Preprocessed, so that no comment, attribute or line break is in the way."""
    text = subprocess.run(["cc", "-E", "-P", HEADER], capture_output=True, text=True, check=True).stdout
    text = " ".join(text.split()).replace('__attribute__((visibility("default")))', "")
    text = text[text.index("typedef struct telemetry_options "):]
    while re.search(r"\{[^{}]*\}", text):  # types and bodies
        text = re.sub(r"\{[^{}]*\}", ";", text)
    statements = [statement.strip() for statement in text.split(";")]
    return [s for s in statements if re.match(r"(?!typedef).*\btelemetry_\w+ ?\(", s)]


def comments(found):
    """Each comment goes to the function that follows it."""
    for comment, name in re.findall(r"/\*\*((?:(?!\*/).)*)\*/\s*(?:TELEMETRY_API|static inline)[^(]*\b(telemetry_\w+)\(", open(HEADER).read(), re.S):
        found[name].comment = " ".join(re.sub(r"^ *\* ?", "", comment, flags=re.M).split())
