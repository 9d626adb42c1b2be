"""Mutations that poodle does not make: what a statement, a call, a condition or a list could do without."""

import ast
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from poodle.data_types import FileMutation, Mutator

SWAPPED = {"any": "all", "all": "any", "min": "max", "max": "min"}

Mutation = tuple[ast.AST, str]
"""A piece of the file, and what stands there instead."""


class Lacking(Mutator):
    """Leaves out a statement, an argument, a call around a value, an element or an end of a slice; decides a condition."""

    mutator_name = "Lacking"

    def create_mutations(self, parsed_ast: ast.Module, *_: Any, **__: Any) -> list[FileMutation]:
        """All of them in one file."""
        self.add_parent_attr(parsed_ast)
        return [
            self.create_file_mutation(piece, text)
            for node in ast.walk(parsed_ast)
            if not self.is_annotation(node)
            for piece, text in _mutations(node)
        ]


def _mutations(node: ast.AST) -> Iterator[Mutation]:
    match node:
        case ast.Raise() | ast.AugAssign() | ast.Expr(value=ast.Call()):
            yield node, "pass"
        case ast.If() | ast.IfExp() | ast.While():
            yield from _decided(node.test)
        case ast.comprehension():
            for condition in node.ifs:
                yield from _decided(condition)
        case ast.Call():
            yield from _lesser_calls(node)
        case ast.List() | ast.Set() | ast.Tuple(ctx=ast.Load()) if not isinstance(node.parent, ast.Subscript):
            yield from _without_each(node, "elts")
        case ast.Slice():
            yield from ((node, ast.unparse(ast.Slice(*ends))) for ends in ((None, node.upper), (node.lower, None)))


def _decided(condition: ast.expr) -> Iterator[Mutation]:
    yield condition, "True"
    yield condition, "False"


def _lesser_calls(call: ast.Call) -> Iterator[Mutation]:
    yield from _without_each(call, "keywords")
    match call.func:
        case ast.Name(id=name) if name.startswith("_"):
            return  # a function of the file itself, which has no defaults: it could not be called
        case ast.Attribute(value=value):
            yield call, ast.unparse(value)
        case ast.Name(id=name) if name in SWAPPED:
            yield call.func, SWAPPED[name]
        case ast.Name() if len(call.args) == 1 and not call.keywords:
            yield call, ast.unparse(call.args[0])
    if len(call.args) + len(call.keywords) > 1:
        yield from _without_each(call, "args")


def _without_each(node: ast.AST, parts: str) -> Iterator[Mutation]:
    for place in range(len(getattr(node, parts))):
        lesser = deepcopy(node)
        del getattr(lesser, parts)[place]
        yield node, ast.unparse(lesser)
