"""What the official encoder would have written, and nothing else; under the interpreter of build/venv."""
import base64
import json

IDS = {"traceId": 16, "spanId": 8, "parentSpanId": 8}


def messages(lines, kind, check_json, check_message=lambda message: None):
    """From lines of "protobuf HEX" or "json HEX", as dictionaries, with ids in hexadecimal digits."""
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
            each_member(json.loads(body), check_id, check_json)
            message = Parse(json.dumps(base64_ids(json.loads(body))), kind(), ignore_unknown_fields=False)
        if message.FindInitializationErrors():
            raise ValueError("fields are missing")
        check_message(message)
        found.append(hexadecimal_ids(MessageToDict(message)))
    return found


def each_member(value, *checks):
    """Every member of every object; no list is empty."""
    if isinstance(value, dict):
        for name, member in value.items():
            for check in checks:
                check(name, member)
            each_member(member, *checks)
    elif isinstance(value, list):
        if not value:
            raise ValueError("an empty list")
        for member in value:
            each_member(member, *checks)


def check_id(name, member):
    """docs/specification.md, "JSON Protobuf Encoding": ids in hex."""
    if name in IDS and (not isinstance(member, str) or len(member) != 2 * IDS[name] or member.strip("0123456789abcdef")):
        raise ValueError(f"{name} is {member!r}, expected {2 * IDS[name]} lower-case hexadecimal digits")


def base64_ids(value):
    """protobuf's own reader takes bytes in base64, and reads hex as such without a word."""
    if isinstance(value, dict):
        return {name: base64.b64encode(bytes.fromhex(member)).decode() if name in IDS else base64_ids(member)
                for name, member in value.items()}
    return [base64_ids(each) for each in value] if isinstance(value, list) else value


def hexadecimal_ids(value):
    """Back from base64, for those who compare."""
    if isinstance(value, dict):
        return {name: base64.b64decode(member).hex() if name in IDS else hexadecimal_ids(member) for name, member in value.items()}
    return [hexadecimal_ids(each) for each in value] if isinstance(value, list) else value
