"""One way to compile the numeric loops of this package: numba, cached on disk, without the interpreter lock.

The loops are serial on purpose. Parallelism is by chunks of paths in threads or by processes: fork-join inside a
100 microsecond task loses more than it gains (``benchmarks/results/simulate.md``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

Function = TypeVar("Function", bound=Callable[..., Any])

LANES = 8


def compiled(function: Function) -> Function:
    """Compile ``function`` to machine code when it is first called; sums may be reordered (``fastmath``)."""
    return cast(Function, njit(cache=True, nogil=True, fastmath=True, error_model="numpy")(function))


def _add_scaled(context: Any, target: Any, start: Any, values: Any, first: Any, gain: Any) -> Any:  # noqa: PLR0917
    """``target[start : start + 8] += gain * values[first : first + 8]`` on the flat memory of two float32 arrays.

    A loop of eight says the same but costs four times as much: the compiler guards every such short loop against
    overlapping arrays and odd lengths. Nothing is checked here; the caller stays inside both arrays.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        target, start, values, first, gain = arguments
        vector = ir.VectorType(ir.FloatType(), LANES)
        target_data = context.make_array(signature.args[0])(context, builder, target).data
        values_data = context.make_array(signature.args[2])(context, builder, values).data
        to = builder.bitcast(builder.gep(target_data, [start]), vector.as_pointer())
        source = builder.bitcast(builder.gep(values_data, [first]), vector.as_pointer())
        one = builder.insert_element(ir.Constant(vector, ir.Undefined), gain, ir.Constant(ir.IntType(32), 0))
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
        gains = builder.shuffle_vector(one, ir.Constant(vector, ir.Undefined), zeros)
        scaled = builder.fmul(builder.load(source, align=4), gains, flags=["fast"])
        builder.store(builder.fadd(builder.load(to, align=4), scaled, flags=["fast"]), to, align=4)
        return context.get_dummy_value()

    return types.void(target, start, values, first, gain), generate


add_scaled: Callable[..., None] = intrinsic(_add_scaled)
