# SPDX-License-Identifier: Apache-2.0
"""Checks a value against a JSON schema, of which it knows what the schemas in docs use. A keyword
that it does not know is an error, so that none is believed to be checked."""

ABOUT = {"$schema", "$defs", "title", "description"}
TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int,
         "number": (int, float)}


def has_type(value, name):
    if name in ("integer", "number") and isinstance(value, bool):
        return False
    return isinstance(value, TYPES[name])


def below(root, schema, value, here):
    """Errors of the members of an object, or of the elements of an array."""
    found = []
    if isinstance(value, list) and "items" in schema:
        for index, element in enumerate(value):
            found += errors(root, element, schema["items"], f"{here}[{index}]")
    if not isinstance(value, dict):
        return found
    for key in schema.get("required", []):
        if key not in value:
            found.append(f"{here}: has no {key}")
    known, others = schema.get("properties", {}), schema.get("additionalProperties", True)
    for key, member in value.items():
        if key in known:
            found += errors(root, member, known[key], f"{here}.{key}")
        elif isinstance(others, dict):
            found += errors(root, member, others, f"{here}.{key}")
        elif not others:
            found.append(f"{here}: {key} is not in the schema")
    return found


def errors(root, value, schema=None, here="$"):
    """A list of sentences; empty: the value is as the schema has it."""
    schema = root if schema is None else schema
    if "$ref" in schema:
        return errors(root, value, root["$defs"][schema["$ref"].rsplit("/", 1)[1]], here)
    checked = {"type", "enum", "minimum", "items", "required", "properties",
               "additionalProperties", "oneOf"}
    found = [f"{here}: the keyword {key} is not checked" for key in
             schema.keys() - checked - ABOUT]
    if "type" in schema and not has_type(value, schema["type"]):
        return found + [f"{here}: is no {schema['type']}"]
    if "enum" in schema and value not in schema["enum"]:
        found.append(f"{here}: {value!r} is none of {schema['enum']}")
    if "minimum" in schema and value < schema["minimum"]:
        found.append(f"{here}: {value} is below {schema['minimum']}")
    fitting = [one for one in schema.get("oneOf", []) if not errors(root, value, one, here)]
    if "oneOf" in schema and len(fitting) != 1:
        found.append(f"{here}: fits {len(fitting)} of what it may be one of")
    return found + below(root, schema, value, here)
