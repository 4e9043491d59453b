"""What the official encoder would have written, and nothing else; under the interpreter of build/venv."""
import json


def messages(lines, kind, check_json, check_message=lambda message: None, translate=lambda text: text):
    """From lines of "protobuf HEX" or "json HEX", as dictionaries. `translate`: JSON as protobuf's own reader wants it."""
    from google.protobuf.json_format import MessageToDict, Parse
    found = []
    for line in lines:
        form, digits = line.split()
        body = bytes.fromhex(digits)
        if form == "protobuf":
            message = kind.FromString(body)
            # Unknown fields are kept where they do not belong, and lengths are written in one way: the bytes differ then.
            if message.SerializeToString(deterministic=True) != body:
                raise ValueError("the bytes are not those of the official encoder")
        else:
            each_member(json.loads(body), check_json)
            message = Parse(translate(body.decode("utf-8")), kind(), ignore_unknown_fields=False)
        if message.FindInitializationErrors():
            raise ValueError("fields are missing")
        check_message(message)
        found.append(MessageToDict(message))
    return found


def each_member(value, check):
    """Every member of every object; no list is empty."""
    if isinstance(value, dict):
        for name, member in value.items():
            check(name, member)
            each_member(member, check)
    elif isinstance(value, list):
        if not value:
            raise ValueError("an empty list")
        for member in value:
            each_member(member, check)
