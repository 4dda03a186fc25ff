"""Metric math: the part of it that rates and sums need.

Numbers, the ids of other queries, `+ - * /`, and the functions FILL (with a number), SUM, AVG, MIN,
MAX and ABS. Where one of two operands has no value, the result has none, as in CloudWatch.
Source: Amazon CloudWatch User Guide, "Using math expressions with CloudWatch metrics".
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence

Series = Mapping[float, float]
"""A value for some of the periods asked for, by the time at which the period begins."""

_OPERATORS: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}

_REDUCTIONS: dict[str, Callable[[list[float]], float]] = {
    "SUM": sum,
    "AVG": lambda values: sum(values) / len(values),
    "MIN": min,
    "MAX": max,
}


_NOTHING: Series = {}


class UnknownExpression(ValueError):
    """It is not an expression, or one of a kind that is not understood here."""


def compute(expression: str, known: Mapping[str, Series], times: Sequence[float]) -> Series:
    """The value of the expression at each of the times at which it has one.

    Args:
        expression: such as `100 * FILL(errors, 0) / requests`.
        known: the results of other queries by their ids.
        times: when each period that was asked for begins.

    Raises:
        UnknownExpression: the message says what is not understood.
    """
    try:
        tree = ast.parse(expression.strip(), mode="eval")
    except SyntaxError as error:
        raise UnknownExpression(f"not a metric math expression: {expression}") from error
    result = _Evaluation(known, times).of(tree.body)
    return dict.fromkeys(times, result) if isinstance(result, float) else result


class _Evaluation:
    """Evaluates one expression; a number stands for a series of that number."""

    def __init__(self, known: Mapping[str, Series], times: Sequence[float]) -> None:
        self._known = known
        self._times = times

    def of(self, node: ast.expr) -> Series | float:
        match node:
            case ast.Constant(value=int() | float() as number):
                return float(number)
            case ast.Name(id=name) if name in self._known:
                return self._known[name]
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return self._combine(operator.sub, 0.0, self.of(operand))
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
                return self._combine(_OPERATORS[type(op)], self.of(left), self.of(right))
            case ast.Call(func=ast.Name(id=name), args=args, keywords=[]):
                return self._call(name, args)
        raise UnknownExpression(f"metric math that is not simulated here: {ast.unparse(node)}")

    def _call(self, name: str, args: list[ast.expr]) -> Series | float:
        match name, args:
            case "FILL", [series, filler]:
                return self._fill(self.of(series), self.of(filler))
            case "ABS", [operand]:
                return self._combine(lambda _, value: abs(value), 0.0, self.of(operand))
            case (("SUM" | "AVG" | "MIN" | "MAX"), [ast.List(elts=elements)]):
                return self._reduce(_REDUCTIONS[name], [self.of(one) for one in elements])
        raise UnknownExpression(f"metric math function that is not simulated here: {name}")

    def _fill(self, series: Series | float, filler: Series | float) -> Series | float:
        if isinstance(series, float):
            return series
        return {**self._spread(filler), **series}

    def _combine(
        self,
        operation: Callable[[float, float], float],
        left: Series | float,
        right: Series | float,
    ) -> Series | float:
        if isinstance(left, float) and isinstance(right, float):
            return _applied(operation, [(0.0, left, right)]).get(0.0, _NOTHING)
        first, second = self._spread(left), self._spread(right)
        return _applied(operation, [(at, first[at], second[at]) for at in first if at in second])

    def _reduce(
        self, reduction: Callable[[list[float]], float], parts: list[Series | float]
    ) -> Series:
        spread = [self._spread(part) for part in parts]
        return {
            at: reduction([part[at] for part in spread if at in part])
            for at in self._times
            if any(at in part for part in spread)
        }

    def _spread(self, value: Series | float) -> Series:
        return dict.fromkeys(self._times, value) if isinstance(value, float) else value


def _applied(
    operation: Callable[[float, float], float], pairs: Iterable[tuple[float, float, float]]
) -> dict[float, float]:
    """The results, but for those there are none of: a division by zero has no value."""
    results = {}
    for at, left, right in pairs:
        try:
            results[at] = float(operation(left, right))
        except ZeroDivisionError:
            continue
    return results
