"""Protobuf messages by their descriptors: what a field holds, and a message with every field set."""

from typing import Any

from google.protobuf import (  # type: ignore[import-untyped]  # ships without types
    duration_pb2,
    json_format,
    message_factory,
    timestamp_pb2,
    wrappers_pb2,
)
from google.protobuf.descriptor import FieldDescriptor  # type: ignore[import-untyped]  # as above

_IN_JSON = {
    FieldDescriptor.CPPTYPE_BOOL: "boolean",
    FieldDescriptor.CPPTYPE_DOUBLE: "number",
    FieldDescriptor.CPPTYPE_FLOAT: "number",
    FieldDescriptor.CPPTYPE_INT32: "integer",
    FieldDescriptor.CPPTYPE_INT64: "string",
    FieldDescriptor.CPPTYPE_STRING: "string",
    FieldDescriptor.CPPTYPE_UINT32: "integer",
    FieldDescriptor.CPPTYPE_UINT64: "string",
}
"""JSON's types of scalars (proto3 JSON mapping: 64 bits are a string)."""
_WELL_KNOWN = {
    "google.protobuf.Any": "{any}",
    "google.protobuf.BoolValue": "boolean",
    "google.protobuf.DoubleValue": "number",
    "google.protobuf.Duration": "string",
    "google.protobuf.Int32Value": "integer",
    "google.protobuf.Timestamp": "string",
}
_SAMPLES = {
    "google.protobuf.BoolValue": wrappers_pb2.BoolValue(value=True),
    "google.protobuf.DoubleValue": wrappers_pb2.DoubleValue(value=0.5),
    "google.protobuf.Duration": duration_pb2.Duration(seconds=5),
    "google.protobuf.Int32Value": wrappers_pb2.Int32Value(value=1),
    "google.protobuf.Timestamp": timestamp_pb2.Timestamp(seconds=1767225600),
}


def parts_of(field: Any) -> tuple[str, Any]:
    """Return a field's shape ("", "[]" or "{}") and what is inside: JSON's type, an enum's names, a descriptor."""
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        return "{}", _inner(field.message_type.fields_by_name["value"])
    return "[]" if field.is_repeated else "", _inner(field)


def _inner(field: Any) -> Any:
    if field.enum_type is not None:
        return {value.name for value in field.enum_type.values}
    if field.message_type is not None:
        return _WELL_KNOWN.get(field.message_type.full_name, field.message_type)
    return _IN_JSON[field.cpp_type]


def filled(descriptor: Any) -> Any:
    """Return a message with every field set, and below; of fields that exclude each other the last."""
    message = message_factory.GetMessageClass(descriptor)()
    for field in descriptor.fields:
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            values = field.message_type.fields_by_name["value"]
            if values.message_type is None:
                getattr(message, field.name)["key"] = _sample(values)
            else:
                getattr(message, field.name)["key"].CopyFrom(_sample(values))
        elif field.is_repeated:
            getattr(message, field.name).append(_sample(field))
        elif field.message_type is not None:
            getattr(message, field.name).CopyFrom(_sample(field))
        else:
            setattr(message, field.name, _sample(field))
    return message


def _sample(field: Any) -> Any:
    if field.message_type is not None:
        known = _SAMPLES.get(field.message_type.full_name)
        return filled(field.message_type) if known is None else known
    if field.enum_type is not None:
        return field.enum_type.values[-1].number
    return {
        FieldDescriptor.CPPTYPE_BOOL: True,
        FieldDescriptor.CPPTYPE_DOUBLE: 0.5,
        FieldDescriptor.CPPTYPE_FLOAT: 0.5,
        FieldDescriptor.CPPTYPE_STRING: "1",
    }.get(field.cpp_type, 1)


def as_json(message: Any) -> dict[str, Any]:
    """Return a message's JSON form."""
    found: dict[str, Any] = json_format.MessageToDict(message)
    return found
