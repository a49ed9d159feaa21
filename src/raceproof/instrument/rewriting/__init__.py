"""AST in, AST out: before each operation that another thread could notice stands a call of a hook.

A hook announces, with the operands at hand, what the very next native operation will do, and
returns an operand or None; the operation itself stays where it was, so that tracebacks, messages
and semantics are those of the plain program.

The rewriter is built in layers, each of which uses those before it:

    knowledge, scopes, plain, dataflow    what is known of names and values
    nodes, shapes                         making nodes, and looking at them
    context, assumptions, walker          where the rewriter is, what it may assume, how it goes on
    names, accesses, contents             the operations on single places and on whole containers
    methods, calls, patterns              what is handed to others, and looked at by `match`
    blocks, assignments, statements       the rest of the language
    module                                all of them together
"""

from raceproof.instrument.rewriting.module import Rewritten, rewrite

__all__ = ["Rewritten", "rewrite"]
